import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readHeader, readTensor } from "../../src/model/checkpoint/safetensors.js";
import type { PolicyEngine } from "../../src/model/engine/engine.js";
import { openEngine } from "../../src/model/engine/open-engine.js";
import { temporaryFolder } from "../model/reference.js";
import { randomIds, writeTinyCheckpoint } from "../model/tiny-checkpoint.js";

export const lora = { rank: 4, alpha: 8, seed: 5 };

/** An engine over a random checkpoint, with an adapter "moved" that differs from the base in every tensor. */
export async function openTinyEngine(): Promise<{
  readonly engine: PolicyEngine;
  readonly close: () => Promise<void>;
}> {
  const folder = await writeTinyCheckpoint(await mkdtemp(join(tmpdir(), "memory-r1-train-")));
  const engine = await openEngine({ folder, threads: 1 });
  await engine.createAdapter("moved", lora);
  const responses = [randomIds(6, 50), randomIds(6, 51)];
  const weights = responses.map((ids) => ids.map(() => 1 / 12));
  const groups = [{ promptIds: randomIds(8, 52), responses, weights }];
  for (let step = 0; step < 3; step++) {
    await engine.update("moved", { objective: "likelihood", groups, optimizer: { learningRate: 3e-3 } });
  }
  const close = async () => {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { engine, close };
}

/** The bytes of an adapter and its moments. */
export async function trainingBytes(engine: PolicyEngine, adapter: string): Promise<Buffer> {
  const folder = join(await temporaryFolder(), "training");
  await engine.saveTraining(adapter, folder);
  return readFile(join(folder, "training.safetensors"));
}

/** Tensors of an adapter's training state whose names begin with "parameter:", "first:" or "second:", by the rest of their names. */
export async function trainingTensors(
  engine: PolicyEngine,
  adapter: string,
  part: "parameter" | "first",
): Promise<Map<string, Float32Array>> {
  const folder = join(await temporaryFolder(), "training");
  await engine.saveTraining(adapter, folder);
  const { tensors } = await readHeader(join(folder, "training.safetensors"));
  return new Map(
    [...tensors].flatMap(([name, info]) =>
      name.startsWith(`${part}:`) ? [[name.slice(part.length + 1), Float32Array.from(readTensor(info))]] : [],
    ),
  );
}

/** ‖a − b‖ / ‖b‖ over all tensors. */
export function relativeDifference(a: ReadonlyMap<string, Float32Array>, b: ReadonlyMap<string, Float32Array>): number {
  let difference = 0;
  let norm = 0;
  for (const [name, values] of b) {
    values.forEach((value, i) => {
      difference += (a.get(name)![i]! - value) ** 2;
      norm += value ** 2;
    });
  }
  return Math.sqrt(difference / norm);
}
