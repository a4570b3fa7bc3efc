/** Longest model output that is looked at, in UTF-16 code units. */
const MAX_LENGTH = 65_536;

export type JsonReading = { readonly value: unknown } | { readonly reason: string };

/**
 * The first JSON object in a model's text: bare, in a code fence, with prose around it, or after a reasoning block that
 * ends with `</think>`. Small models forget the last brace: one that lacks nothing else is read too. Takes time linear in the text and
 * never throws.
 */
export function readJsonObject(text: string): JsonReading {
  if (text.length > MAX_LENGTH) {
    return { reason: `longer than ${MAX_LENGTH} characters` };
  }
  const thought = text.lastIndexOf("</think>");
  let from = text.indexOf("{", thought + 1);
  if (from === -1) {
    return { reason: "no JSON object" };
  }
  while (from !== -1) {
    const end = balancedEnd(text, from);
    if (end === -1) {
      return lastBraceForgotten(text.slice(from)) ?? { reason: "the JSON object is not closed" };
    }
    try {
      return { value: JSON.parse(text.slice(from, end)) };
    } catch {
      from = text.indexOf("{", end);
    }
  }
  return { reason: "not valid JSON" };
}

/** The object with its last brace. What was cut off in the middle of a list does not become one by it. */
function lastBraceForgotten(text: string): JsonReading | undefined {
  try {
    return { value: JSON.parse(`${text}}`) };
  } catch {
    return undefined;
  }
}

/** Index after the brace that closes the one at `from`; -1 without one. Braces in strings don't count. */
function balancedEnd(text: string, from: number): number {
  let depth = 0;
  let quoted = false;
  for (let i = from; i < text.length; i++) {
    const char = text[i];
    if (quoted) {
      if (char === "\\") {
        i++;
      } else if (char === '"') {
        quoted = false;
      }
    } else if (char === '"') {
      quoted = true;
    } else if (char === "{") {
      depth++;
    } else if (char === "}") {
      depth--;
      if (depth === 0) {
        return i + 1;
      }
    }
  }
  return -1;
}
