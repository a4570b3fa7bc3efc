import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readHeader, readTensorBytes } from "../../src/model/checkpoint/safetensors.js";
import { findCheckpoint, openCheckpoint } from "../../src/train/run/checkpoint.js";

/** SHA-256 of all that a run has come to. */
export interface RunDigests {
  readonly weights: string;
  readonly moments: string;
  readonly cursor: string;
  readonly log: string;
  readonly adapter: string;
}

/** Of a finished run's folder: its last checkpoint, with the critic's where there is one, its metrics and its adapter. */
export async function runDigests(out: string): Promise<RunDigests> {
  const found = await findCheckpoint(out);
  const { cursor, random } = await openCheckpoint(found);
  const [weights, moments] = [createHash("sha256"), createHash("sha256")];
  for (const file of ["training.safetensors", join("critic", "training.safetensors")]) {
    if (!existsSync(join(found.folder, file))) continue;
    const { tensors, metadata } = await readHeader(join(found.folder, file));
    // The optimizer's count of steps belongs to its moments.
    moments.update(JSON.stringify(metadata));
    for (const [name, info] of tensors) {
      const hash = name.startsWith("parameter:") ? weights : moments;
      hash.update(name).update(new Uint8Array(readTensorBytes(info)));
    }
  }
  const fileHash = async (name: string) =>
    createHash("sha256")
      .update(await readFile(join(out, name)))
      .digest("hex");
  return {
    weights: weights.digest("hex"),
    moments: moments.digest("hex"),
    cursor: createHash("sha256")
      .update(JSON.stringify([found.step, cursor, random]))
      .digest("hex"),
    log: await fileHash("metrics.jsonl"),
    adapter: await fileHash(join("adapter", "adapter_model.safetensors")),
  };
}
