import { createHash } from "node:crypto";

/** A 32-bit seed of its own for everything that a run draws, named by what it is for: the order of events does not matter. */
export function streamSeed(seed: number, ...names: readonly (string | number)[]): number {
  return createHash("sha256")
    .update([seed, ...names].join("\n"))
    .digest()
    .readUInt32LE(0);
}
