import { readdir, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { z } from "zod";
import { FileError } from "../../errors.js";
import { hashFile, hashText } from "../../hash.js";
import { hasCode, parseFields, readJson } from "../../json-file.js";
import { cursorSchema } from "./cursor.js";

export const manifestFile = (folder: string): string => join(folder, "manifest.json");

const hash = z.string().regex(/^[0-9a-f]{64}$/, { error: "a SHA-256 in hexadecimal" });
const setting = z.union([z.string(), z.number(), z.boolean(), z.null()]);
/** By name; a part of a group as "algorithm.clipLow". */
const settingsSchema = z.record(z.string(), setting);

const originSchema = z.object({
  /** The checkpoint, by its path at that time. */
  folder: z.string(),
  step: z.number().int().positive(),
  /** Hash of its manifest: identifies the checkpoint even if the folder is gone or was moved. */
  manifest: hash,
  /** Settings that the fork changed. */
  changed: z.array(z.object({ setting: z.string(), from: setting.optional(), to: setting.optional() })),
});

const stateSchema = z.object({
  /** Training steps that are done. */
  step: z.number().int().positive(),
  /** Everything besides the step that the run's numbers depend on. */
  settings: settingsSchema,
  cursor: cursorSchema,
  /** Every random draw has its own stream, named by these and by its purpose: they are the whole random state. */
  random: z.object({ seed: z.number(), step: z.number().int() }),
  /** Where a fork came from. */
  origin: originSchema.nullable(),
});

/** 2: adapters are stacks of layers in training.safetensors. */
const VERSION = 2;

const manifestSchema = stateSchema.extend({
  version: z.literal(VERSION, { error: `version ${VERSION}, which this release writes` }),
  /** By path from the checkpoint's folder, with "/". */
  files: z.record(z.string(), z.object({ bytes: z.number().int().nonnegative(), sha256: hash })),
});

export type Settings = Readonly<z.infer<typeof settingsSchema>>;
export type Origin = Readonly<z.infer<typeof originSchema>>;
export type CheckpointState = Readonly<z.infer<typeof stateSchema>>;
export type Manifest = Readonly<z.infer<typeof manifestSchema>>;

/** Writes a checkpoint's manifest: its state, and the size and SHA-256 of every file in the folder. It comes last. */
export async function writeManifest(folder: string, state: CheckpointState): Promise<void> {
  const files: Manifest["files"] = {};
  for (const path of await filesIn(folder)) files[path] = await hashFile(join(folder, path));
  const manifest: Manifest = { version: VERSION, ...state, files };
  await writeFile(manifestFile(folder), `${JSON.stringify({ ...manifest, sha256: sealOf(manifest) }, null, 2)}\n`);
}

/**
 * Reads a checkpoint's manifest and compares every file with it. @throws FileError that names the file, the expected and the found hash.
 */
export async function verifyCheckpoint(folder: string): Promise<Manifest> {
  const remedy = "restore the folder from a copy, or use another checkpoint";
  const file = manifestFile(folder);
  const content = await readJson(file, remedy).catch((error: unknown) => {
    if (!(error instanceof FileError)) throw error;
    throw new FileError({
      what: "the checkpoint's manifest cannot be read",
      where: file,
      found: error.what,
      remedy,
      cause: error,
    });
  });
  const sealed = parseFields(manifestSchema.extend({ sha256: hash }), content, file, remedy);
  const { sha256, ...manifest } = sealed;
  requireHash(file, sha256, sealOf(manifest), remedy);
  for (const [path, expected] of Object.entries(manifest.files)) {
    const found = await hashFile(join(folder, path)).catch((error: unknown) => {
      const missing = error instanceof FileError && hasCode(error.cause, "ENOENT");
      const what = missing ? "a file of the checkpoint is missing" : "a file of the checkpoint cannot be read";
      const named = `SHA-256 ${expected.sha256}`;
      throw new FileError({ what, where: join(folder, path), expected: named, found: "none", remedy, cause: error });
    });
    requireHash(join(folder, path), expected.sha256, found.sha256, remedy);
  }
  return manifest;
}

/** What a manifest says of itself: the hash of its own content. */
function sealOf(manifest: Manifest): string {
  return hashText(canonical(manifest));
}

/** JSON with the fields of every object in the order of their names. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function requireHash(file: string, expected: string, found: string, remedy: string): void {
  if (expected === found) return;
  throw new FileError({
    what: "the checkpoint is damaged",
    where: file,
    expected: `SHA-256 ${expected}`,
    found: `SHA-256 ${found}`,
    remedy,
  });
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}
