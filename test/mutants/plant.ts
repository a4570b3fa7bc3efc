import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Mutant } from "./list.js";

/** How often a mutant's text occurs in its file: 1 where it can be planted. */
export function occurrences({ file, find }: Mutant, root: string): number {
  return readFileSync(join(root, file), "utf8").split(find).length - 1;
}

/** The file's text with the bug in it. */
export function planted({ file, find, replace }: Mutant, root: string): string {
  return readFileSync(join(root, file), "utf8").replace(find, () => replace);
}
