import { readdir, stat } from "node:fs/promises";
import { FileError } from "../../errors.js";

/** Names of the folders in a folder, in alphabetical order, but the manager first: the tour trains it first. */
export async function folderNames(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    return names.sort((a, b) => Number(b === "manager") - Number(a === "manager") || (a < b ? -1 : 1));
  } catch (cause) {
    const found = (await stat(folder).catch(() => undefined)) === undefined ? "nothing there" : "no folder";
    throw new FileError({
      what: "the folder of the run cannot be read",
      where: folder,
      found,
      remedy: "pass the folder that `memory-r1 train --out`, with or without --recipe, or `memory-r1 start` wrote",
      cause,
    });
  }
}
