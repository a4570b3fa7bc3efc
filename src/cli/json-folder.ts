import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { FileError, messageOf } from "../errors.js";

/** Makes the folder of --json before the work that fills the file, which may take hours. @throws FileError. */
export async function createJsonFolder(json: string, content: "credits" | "scores"): Promise<void> {
  const folder = dirname(json);
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new FileError({
      what: `the folder for the ${content} cannot be made`,
      where: folder,
      found: messageOf(cause),
      remedy: "pass --json with a path that can be written",
      cause,
    });
  }
}
