import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { readHeader, readTensor } from "../../src/model/checkpoint/safetensors.js";
import type { Random } from "../../src/random.js";
import { latestCheckpoint, openCheckpoint } from "../../src/train/run/checkpoint.js";

/** Compiles the writer into a folder, so that each of its processes starts at once. Returns its path. */
export async function compileWriter(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const options = ["--ignoreConfig", "--noCheck", "--target", "es2023", "--module", "nodenext", "--types", "node"];
  const where = ["--rootDir", ".", "--outDir", folder, join("test", "train", "checkpoint-writer.ts")];
  execFileSync(process.execPath, [join("node_modules", "typescript", "bin", "tsc"), ...options, ...where]);
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  await symlink(resolve("node_modules"), join(folder, "node_modules"), "junction");
  return join(folder, "test", "train", "checkpoint-writer.js");
}

export interface Kill {
  /** Of the latest checkpoint afterwards. */
  readonly step: number;
  /** Whether a half-written or half-removed checkpoint lay beside it. */
  readonly midway: boolean;
}

/**
 * Starts a writer at step `from`, kills it within the checkpoint after some whole ones, and reads what it left: every folder that is named
 * as a checkpoint must be whole, and none that the writer had told of may be lost. Throws where one is not.
 */
export async function killWhileWriting(script: string, out: string, from: number, random: Random): Promise<Kill> {
  const child = spawn(process.execPath, [script, out, String(from)], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const wanted = from + 1 + random.int(3);
  let told = "";
  await new Promise<void>((reached) => {
    child.stdout.on("data", (chunk) => {
      told += String(chunk);
      if (told.includes(`begin ${wanted}\n`)) reached();
    });
    child.stdout.on("end", reached);
  });
  // About as long as the writer takes for one of them.
  await setTimeout(10 * random.next());
  child.kill("SIGKILL");
  const [code, signal] = (await exited) as [number | null, string | null];
  if (signal !== "SIGKILL") throw new Error(`the writer ended by itself: ${code}`);
  const done = Math.max(from - 1, ...[...told.matchAll(/done (\d+)\n/g)].map(([, step]) => Number(step)));
  const names = await readdir(out);
  for (const name of names) {
    const step = /^checkpoint-(\d+)$/.exec(name)?.[1];
    if (step !== undefined) await requireWhole(join(out, name), Number(step));
  }
  const latest = await latestCheckpoint(out);
  if (latest === undefined || latest.step < done) throw new Error(`checkpoint ${done} is lost: ${names.join(", ")}`);
  return { step: latest.step, midway: names.some((name) => name.endsWith(".partial")) };
}

async function requireWhole(folder: string, step: number): Promise<void> {
  await openCheckpoint({ step, folder });
  for (const name of ["training.safetensors", "more.safetensors"]) {
    const { tensors } = await readHeader(join(folder, name));
    const values = readTensor(tensors.get("values")!);
    if (values.length !== 20_000 || values.some((value) => value !== step))
      throw new Error(`${folder}: not of its step`);
  }
}
