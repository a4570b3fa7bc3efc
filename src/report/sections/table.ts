import { type Content, html, type Markup } from "../markup.js";

/** A table of figures; the first cell of each row names it. */
export function table(
  title: string,
  head: readonly Content[],
  rows: readonly (readonly Content[])[],
  legend?: Content,
): Markup {
  return html`<div class="scroll"><table>
<caption>${title}</caption>
<thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([name, ...cells]) =>
      html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td class="number">${cell}</td>`)}</tr>
`,
  )}</tbody>
</table></div>
${legend === undefined ? null : html`<p class="note">${legend}</p>`}`;
}
