import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { FileError } from "./errors.js";

/** SHA-256 of a text, in hexadecimal. */
export function hashText(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** SHA-256 of a file's bytes, in hexadecimal, and their number. @throws FileError where it cannot be read. */
export async function hashFile(file: string): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        hash.update(chunk);
        bytes += chunk.length;
      }
    });
  } catch (cause) {
    const remedy = "check the path and its permissions";
    throw new FileError({ what: "file cannot be read", where: file, remedy, cause });
  }
  return { sha256: hash.digest("hex"), bytes };
}

/** SHA-256 over what decides a model's or an adapter's numbers: the folder's configuration and weights, wherever it lies. */
export async function hashWeights(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => /^(adapter_)?config\.json$|\.safetensors$/.test(name)).sort();
  const hashes = [];
  for (const name of names) hashes.push(`${name} ${(await hashFile(join(folder, name))).sha256}`);
  return hashText(hashes.join("\n"));
}
