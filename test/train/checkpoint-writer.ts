import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeSafetensors } from "../../src/model/checkpoint/safetensors.js";
import { writeCheckpoint } from "../../src/train/run/checkpoint.js";
import { checkpointState } from "./checkpoint-state.js";

/** Writes checkpoint after checkpoint into a folder until it is killed; every number in a checkpoint is its step's. */
const out = process.argv[2]!;
const SIZE = 20_000;
for (let step = Number(process.argv[3]); ; step++) {
  process.stdout.write(`begin ${step}\n`);
  await writeCheckpoint(out, checkpointState(step), async (folder) => {
    await mkdir(folder, { recursive: true });
    for (const name of ["training.safetensors", "more.safetensors"]) {
      const data = new Float32Array(SIZE).fill(step);
      const tensors = new Map([["values", { dtype: "F32" as const, shape: [SIZE], data }]]);
      await writeSafetensors(join(folder, name), tensors, { step: String(step) });
    }
  });
  process.stdout.write(`done ${step}\n`);
}
