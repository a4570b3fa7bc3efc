/** HTML that may go into a page as it is. Only this module makes it of strings. */
export class Markup {
  constructor(readonly text: string) {}
}

export type Content = Markup | string | number | null | undefined | readonly Content[];

/** A template of HTML: what is put in as a string is text and is escaped, whatever it says; null and undefined are nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(parts.reduce((text, part, at) => text + textOf(values[at - 1]) + part));
}

function textOf(value: Content): string {
  if (value instanceof Markup) return value.text;
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? value.map(textOf).join("") : escapeText(plainText(String(value)));
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeText(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character]!);
}

/**
 * Text without what a page can't show or what would change how the text around it reads: control characters, directions that
 * are forced on what follows, halves of characters. Each becomes U+FFFD.
 */
export function plainText(text: string): string {
  return text.replaceAll(/(?![\t\n])[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
}

/** A text of someone else, in its own direction and cut to a length in characters. */
export function quoted(text: string, longest = 400): Markup {
  const characters = [...text.trim()];
  const cut = characters.length > longest ? `${characters.slice(0, longest).join("")}…` : characters.join("");
  return html`<bdi>${cut}</bdi>`;
}

/** A share in percent, "–" where it is not known. */
export function percent(share: number | null | undefined, digits = 0): string {
  return share === null || share === undefined || Number.isNaN(share) ? "–" : `${(100 * share).toFixed(digits)} %`;
}
