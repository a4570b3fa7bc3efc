import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Of users without rights it is often not on PATH. */
const CACHE_READERS = ["ldconfig", "/sbin/ldconfig"];

/** Whether Linux's loader finds a library by its file name: on LD_LIBRARY_PATH or in its cache. True where the cache cannot be asked. */
export async function loaderFinds(library: string): Promise<boolean> {
  const folders = (process.env.LD_LIBRARY_PATH ?? "").split(delimiter).filter(Boolean);
  if (folders.some((folder) => existsSync(join(folder, library)))) return true;
  for (const reader of CACHE_READERS) {
    const listed = await run(reader, ["-p"]).then(
      ({ stdout }) => stdout.includes(library),
      () => undefined,
    );
    if (listed !== undefined) return listed;
  }
  return true;
}
