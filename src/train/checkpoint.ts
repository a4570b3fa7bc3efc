import { open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../model/atomic-file.js";

/** Older checkpoints are removed once this many newer ones are whole. */
const KEPT = 2;
const NAME = /^checkpoint-(\d+)$/;

/** Writes a checkpoint under a temporary name, makes it durable, and only then gives it its own: a folder of that name is always whole. */
export async function writeCheckpoint(
  out: string,
  step: number,
  write: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = join(out, `checkpoint-${step}`);
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await write(partial);
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
  for (const old of steps.slice(0, -KEPT)) await rm(join(out, `checkpoint-${old}`), { recursive: true, force: true });
}

export async function latestCheckpoint(
  out: string,
): Promise<{ readonly step: number; readonly folder: string } | undefined> {
  const step = (await checkpointSteps(out)).at(-1);
  return step === undefined ? undefined : { step, folder: join(out, `checkpoint-${step}`) };
}

/** Makes room for a new run: the checkpoints of an old one, also half-written ones, would pass for its own. */
export async function removeCheckpoints(out: string): Promise<void> {
  for (const name of await readdir(out)) {
    if (NAME.test(name.replace(/\.partial$/, ""))) await rm(join(out, name), { recursive: true, force: true });
  }
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
