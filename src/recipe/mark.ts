import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeJson } from "../atomic-file.js";
import { FileError, UsageError } from "../errors.js";
import { hashFile, hashText } from "../hash.js";
import { hasCode, parseFields, readOptionalJson } from "../json-file.js";
import type { Settings } from "../train/run/manifest.js";
import { differences } from "../train/run/run-settings.js";
import { workUnits } from "./stage.js";

const FILE = "stage.json";

export const measuredSchema = z.partialRecord(
  z.enum(workUnits),
  z.object({ count: z.number().positive(), seconds: z.number().nonnegative() }),
);

const markSchema = z.object({
  version: z.literal(1, { error: "version 1, which this release writes" }),
  stage: z.string(),
  /** A stage that was begun has no outputs yet that count. */
  state: z.enum(["begun", "done"]),
  /** All that the outputs follow from; "input.<stage>" is the hash of that stage's outputs. */
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  /** SHA-256 of each output, by its path in the folder. */
  outputs: z.record(z.string(), z.string()),
  /** Of the call that ended the stage. */
  seconds: z.number().nonnegative(),
  measured: measuredSchema,
});

/** What a stage's folder says of itself. */
export type StageMark = Readonly<z.infer<typeof markSchema>>;

/** The mark of a stage's folder; undefined where the stage was not begun. @throws FileError where it has another form. */
export async function readMark(folder: string): Promise<StageMark | undefined> {
  const file = join(folder, FILE);
  const value = await readOptionalJson(file);
  if (value === undefined) return undefined;
  return parseFields(markSchema, value, file, `remove ${folder} to do the stage anew`);
}

export async function writeMark(folder: string, mark: StageMark): Promise<void> {
  await writeJson(join(folder, FILE), mark);
}

/** SHA-256 over all outputs of a stage: what later stages follow from. */
export const hashOfOutputs = ({ outputs }: StageMark): string =>
  hashText(JSON.stringify(Object.entries(outputs).sort(([a], [b]) => (a < b ? -1 : 1))));

/** @throws UsageError that names every setting or input in which a stage differs from how it was begun, with both values. */
export function requireSameStage(mark: StageMark, settings: Settings, folder: string): void {
  const changed = differences(mark.settings, settings);
  if (changed.length === 0) return;
  const list = (side: "from" | "to") =>
    changed.map((each) => `${each.setting} ${JSON.stringify(each[side]) ?? "absent"}`).join(", ");
  throw new UsageError({
    what: `stage ${mark.stage} was ${mark.state} with other settings`,
    where: folder,
    expected: list("from"),
    found: list("to"),
    remedy: `give the same settings, or another --out; or remove ${folder} and the folders of the stages after it, and call again`,
  });
}

/** @throws FileError where an output of a stage that is done is missing or has changed since. */
export async function requireOutputs(mark: StageMark, folder: string): Promise<void> {
  for (const [path, expected] of Object.entries(mark.outputs)) {
    const found = await hashOutput(join(folder, path));
    if (found === expected) continue;
    throw new FileError({
      what:
        found === undefined
          ? `an output of stage ${mark.stage} is missing`
          : `an output of stage ${mark.stage} has changed`,
      where: join(folder, path),
      expected: `SHA-256 ${expected}`,
      found: found === undefined ? "nothing there" : `SHA-256 ${found}`,
      remedy: `restore it from a copy, or remove ${folder} and the folders of the stages after it, and call again`,
    });
  }
}

/** Hashes of outputs, by path. @throws FileError where one is missing. */
export async function hashOutputs(folder: string, paths: readonly string[]): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const path of paths) {
    const hash = await hashOutput(join(folder, path));
    if (hash === undefined) {
      const remedy = `remove ${folder} to do this stage anew`;
      throw new FileError({ what: "a stage did not leave what it promises", where: join(folder, path), remedy });
    }
    hashes[path] = hash;
  }
  return hashes;
}

/** Of a file, or over all files of a folder with their names; undefined where there is neither. */
async function hashOutput(path: string): Promise<string | undefined> {
  const found = await stat(path).catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  });
  if (found === undefined) return undefined;
  if (!found.isDirectory()) return (await hashFile(path)).sha256;
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const lines = [];
  for (const file of files.sort()) lines.push(`${file.slice(path.length)} ${(await hashFile(file)).sha256}`);
  return hashText(lines.join("\n"));
}
