import { existsSync } from "node:fs";
import { open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { syncFolder } from "../../atomic-file.js";
import { FileError } from "../../errors.js";
import { type CheckpointState, type Manifest, verifyCheckpoint, writeManifest } from "./manifest.js";

/** Older checkpoints are removed once this many newer ones are whole. */
const KEPT = 2;
const NAME = /^checkpoint-(\d+)$/;

export interface FoundCheckpoint {
  readonly step: number;
  readonly folder: string;
}

/**
 * Writes a checkpoint with its manifest under a temporary name, makes it durable, and only then gives it its own: a folder of that name
 * is always whole.
 */
export async function writeCheckpoint(
  out: string,
  state: CheckpointState,
  write: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = join(out, `checkpoint-${state.step}`);
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await write(partial);
  await writeManifest(partial, state);
  for (const name of await readdir(partial, { recursive: true })) {
    const file = await open(join(partial, name), "r");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
  await syncFolder(partial);
  await rm(folder, { recursive: true, force: true });
  await rename(partial, folder);
  await syncFolder(out);
  const steps = await checkpointSteps(out);
  for (const old of steps.slice(0, -KEPT)) await removeWhole(join(out, `checkpoint-${old}`));
}

export async function latestCheckpoint(out: string): Promise<FoundCheckpoint | undefined> {
  return (await checkpoints(out)).at(-1);
}

/** Reads a checkpoint's manifest and all its files. @throws FileError that says what is damaged, and which older checkpoint is whole. */
export async function openCheckpoint({ step, folder }: FoundCheckpoint): Promise<Manifest> {
  const manifest = await verifyCheckpoint(folder).catch(async (error: unknown) => {
    if (!(error instanceof FileError)) throw error;
    const { what, where, expected, found, cause } = error;
    throw new FileError({ what, where, expected, found, cause, remedy: await remedyFor(folder, step) });
  });
  if (manifest.step === step) return manifest;
  throw new FileError({
    what: "the checkpoint is another step's",
    where: folder,
    expected: `step ${step}`,
    found: `step ${manifest.step}`,
    remedy: `name the folder checkpoint-${manifest.step} again`,
  });
}

/** A checkpoint by its folder, or the latest of a run's folder. @throws FileError where there is none. */
export async function findCheckpoint(from: string): Promise<FoundCheckpoint> {
  const folder = resolve(from);
  const step = NAME.exec(basename(folder))?.[1];
  if (step !== undefined) return { step: Number(step), folder: from };
  const latest = await latestCheckpoint(from);
  if (latest !== undefined) return latest;
  throw new FileError({
    what: "there is no checkpoint",
    where: from,
    expected: "a run's folder that holds checkpoint-<step>, or one of these",
    found: existsSync(from) ? "a folder without" : "nothing there",
    remedy: "pass the folder (--out) of a run that has reached its first checkpoint",
  });
}

/** Removes what crashes left half-written or half-removed. */
export async function removePartialCheckpoints(out: string): Promise<void> {
  for (const name of await readdir(out)) {
    if (/^checkpoint-\d+\.partial$/.test(name)) await rm(join(out, name), { recursive: true, force: true });
  }
}

/** Makes room for a new run: the checkpoints of an old one, also half-written ones, would pass for its own. */
export async function removeCheckpoints(out: string): Promise<void> {
  for (const name of await readdir(out)) {
    if (NAME.test(name.replace(/\.partial$/, ""))) await rm(join(out, name), { recursive: true, force: true });
  }
}

/** Takes a checkpoint's name away first: one that is half-removed must not pass for whole. */
async function removeWhole(folder: string): Promise<void> {
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await rename(folder, partial);
  await rm(partial, { recursive: true, force: true });
}

async function remedyFor(folder: string, step: number): Promise<string> {
  for (const older of (await checkpoints(dirname(resolve(folder)))).reverse()) {
    if (older.step >= step) continue;
    const whole = await verifyCheckpoint(older.folder).catch(() => undefined);
    if (whole?.step === older.step)
      return `delete ${folder} to go on from the older checkpoint-${older.step}, which is whole`;
  }
  return "restore the folder from a copy, or start anew: there is no older checkpoint that is whole";
}

async function checkpoints(out: string): Promise<FoundCheckpoint[]> {
  return (await checkpointSteps(out)).map((step) => ({ step, folder: join(out, `checkpoint-${step}`) }));
}

async function checkpointSteps(out: string): Promise<number[]> {
  const names = await readdir(out).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "ENOENT") throw cause;
    return [];
  });
  return names
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}
