/** One run's points, [x, y] with y in [0, 1]. Runs of one name share a colour. */
export interface Curve {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

/** Okabe and Ito's colours, which differ for colour-blind readers too. */
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9"];
const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [720, 400, 60, 50, 20, 130];
/** Points that one drawn point is the mean of: single steps are noise. */
const SMOOTHING = 5;

/** Learning curves as SVG: each run thin, and the mean of a name's runs thick. */
export function plotCurves(curves: readonly Curve[], axes: { readonly x: string; readonly y: string }): string {
  const names = [...new Set(curves.map(({ name }) => name))];
  const all = curves.flatMap(({ points }) => points);
  const end = Math.max(...all.map(([x]) => x), 1);
  const high = Math.max(...all.map(([, y]) => y), 0.1);
  const at = ([x, y]: readonly [number, number]): string =>
    `${(LEFT + (x / end) * (WIDTH - LEFT - RIGHT)).toFixed(1)},${(HEIGHT - BOTTOM - (y / high) * (HEIGHT - BOTTOM - TOP)).toFixed(1)}`;
  const line = (points: Curve["points"], colour: string, style: string): string =>
    `<polyline fill="none" stroke="${colour}" ${style} points="${points.map(at).join(" ")}"/>`;
  const parts = names.flatMap((name, n) => {
    const colour = COLOURS[n % COLOURS.length]!;
    const own = curves.filter((curve) => curve.name === name).map(({ points }) => smooth(points));
    return [
      ...own.map((points) => line(points, colour, 'stroke-width="1" opacity="0.3"')),
      line(average(own), colour, 'stroke-width="2.5"'),
      `<text x="${WIDTH - RIGHT + 12}" y="${TOP + 14 + 20 * n}" fill="${colour}">${name}</text>`,
    ];
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => {
    const [x, y] = at([share * end, share * high]).split(",");
    return [
      `<text x="${x}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${Math.round(share * end)}</text>`,
      `<text x="${LEFT - 8}" y="${y}" text-anchor="end">${(share * high).toFixed(2)}</text>`,
    ];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<title>Learning curves: ${axes.y} against ${axes.x}</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>
<path d="M${at([0, high])} L${at([0, 0])} L${at([end, 0])}" fill="none" stroke="#444"/>
${[...ticks, ...parts].join("\n")}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${axes.x}</text>
<text transform="translate(16 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">${axes.y}</text>
</svg>
`;
}

function smooth(points: Curve["points"]): [number, number][] {
  return points.map(([x], i) => {
    const window = points.slice(Math.max(0, i - SMOOTHING + 1), i + 1);
    return [x, window.reduce((sum, [, y]) => sum + y, 0) / window.length];
  });
}

/** By place in the run; runs that are over are left out. */
function average(runs: readonly (readonly (readonly [number, number])[])[]): [number, number][] {
  const length = Math.max(...runs.map((points) => points.length));
  return Array.from({ length }, (_, i) => {
    const here = runs.flatMap((points) => (points[i] === undefined ? [] : [points[i]]));
    const sum = here.reduce(([x, y], point) => [x + point[0], y + point[1]] as const, [0, 0] as const);
    return [sum[0] / here.length, sum[1] / here.length];
  });
}
