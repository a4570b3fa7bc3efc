/** Colours after Okabe and Ito, which people tell apart whatever colours they see; lighter on a dark page. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --paper: #fdfdfb; --ink: #22262b; --muted: #626a73; --faint: #c9cdd2; --rule: #e4e6e8;
  --first: #0067a5; --second: #c24e00; --third: #00805c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181c; --ink: #e3e5e8; --muted: #9aa2ab; --faint: #4b525a; --rule: #2b3036;
    --first: #63b5ee; --second: #f29552; --third: #43c59e;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2.5rem 1.25rem 5rem; max-width: 48.5rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
h1, h2, h3 { line-height: 1.2; font-weight: 600; }
h1 { font-size: 1.75rem; margin: 0 0 .5rem; }
h2 { font-size: 1.3rem; margin: 3.5rem 0 1rem; padding-top: .75rem; border-top: 1px solid var(--rule); }
h3 { font-size: 1.05rem; margin: 2rem 0 .75rem; }
small, .note, .missing, figcaption, caption, nav, th { color: var(--muted); }
small, .note, figcaption, nav { font-size: .85rem; font-weight: 400; }
.missing { font-style: italic; }
.unfinished { color: var(--second); }
a { color: var(--first); text-underline-offset: .2em; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 1.25rem; margin: 2rem 0 0; }
.facts dt { font-size: .85rem; color: var(--muted); }
.facts dd { margin: 0; font-size: 1.35rem; line-height: 1.35; }
.facts small { display: inline-block; font-size: .8rem; line-height: 1.35; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1.25rem 2rem; }
figure { margin: 0 0 1rem; min-width: 0; }
figcaption { margin-bottom: .35rem; line-height: 1.4; }
figure svg { color: var(--muted); --plot-background: var(--paper); }
.key { display: inline-block; margin-right: .35rem; }
.swatch { display: inline-block; width: .9rem; height: 0; margin-right: .3rem; vertical-align: middle; border-top: 3px solid; }
.swatch.first { border-color: var(--first); }
.swatch.second { border-color: var(--second); }
.swatch.third { border-color: var(--third); }
.swatch.faint { border-color: var(--faint); }
.swatch.dashed { border-top-style: dashed; border-top-width: 2px; }
.swatch.round { width: .6rem; height: .6rem; border: 2px solid; border-radius: 50%; margin: 0; }
.swatch.round.first { background: var(--first); border-color: var(--first); }
.swatch.round.second { border-color: var(--second); }
.mark { width: .8rem; height: .8rem; margin-right: .25rem; vertical-align: -.05rem; stroke-width: 2; }
.mark.first { fill: var(--first); stroke: none; }
.mark.third { fill: var(--third); stroke: none; }
.mark.second { fill: none; stroke: var(--second); }
.mark.hollow { fill: none; stroke: var(--muted); }
.mark.muted { fill: var(--muted); stroke: none; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 0 0 .75rem; font-size: .9rem; overflow-wrap: normal; }
caption { text-align: left; padding: 1.25rem 0 .35rem; font-weight: 600; }
th, td { padding: .35rem .5rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule); }
th { font-weight: 400; }
th:first-child { padding-left: 0; }
tbody th { color: var(--ink); }
td.number, table:not(.sides) thead th:not(:first-child) { text-align: right; white-space: nowrap; }
abbr { text-decoration: none; cursor: help; }
.sides { table-layout: fixed; min-width: 34rem; overflow-wrap: anywhere; }
.sides tr.same > *, .sides tr.same > * * { color: var(--muted); }
details { margin: 0 0 .5rem; }
section > details { border-bottom: 1px solid var(--rule); padding-bottom: .5rem; }
section > details > summary { font-weight: 600; padding: .25rem 0; }
summary { cursor: pointer; }
.lives { padding-left: 2rem; font-size: .92rem; }
.lives li { margin-bottom: .15rem; }
.lives ul { list-style: none; padding: .25rem 0 .5rem 1rem; margin: 0; border-left: 2px solid var(--rule); }
.lives ul li { margin-bottom: .4rem; }
.event { font-size: .75rem; font-weight: 600; letter-spacing: .04em; }
.event.add { color: var(--first); }
.event.update { color: var(--third); }
.event.delete, .wrong { color: var(--second); }
.right { color: var(--first); }
.gone, del { color: var(--muted); text-decoration: line-through; text-decoration-thickness: 1px; }
code { font: .85em/1.4 ui-monospace, "DejaVu Sans Mono", monospace; }
`;
