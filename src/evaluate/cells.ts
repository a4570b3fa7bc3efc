export type Cells = readonly string[];

/** The first column is cut to this, so that tables stay narrow. */
const NAME_WIDTH = 22;

/** Rows of cells as Markdown; the first one is the header. */
export function markdownRows([header, ...rows]: readonly Cells[]): string {
  const line = (cells: Cells): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = (header ?? []).map((_, at) => (at === 0 ? "---" : "---:"));
  return [line(header ?? []), line(rule), ...rows.map(line)].join("\n");
}

/** Rows of cells as plain text in aligned columns. */
export function alignRows(rows: readonly Cells[]): string {
  const cut = rows.map(([name = "", ...cells]) => [name.slice(0, NAME_WIDTH), ...cells]);
  const widths = (cut[0] ?? []).map((_, at) => Math.max(...cut.map((cells) => cells[at]?.length ?? 0)));
  return cut
    .map((cells) =>
      cells
        .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
