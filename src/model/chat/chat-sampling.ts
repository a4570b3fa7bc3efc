import { createHash } from "node:crypto";
import { UsageError } from "../../errors.js";

/** How a response is sampled. */
export interface ChatSampling {
  /** 0 is greedy. */
  readonly temperature: number;
  readonly maxNewTokens: number;
  /** Selects the random stream, together with the prompt: the same seed and prompt give the same response. */
  readonly seed: number;
  /** Strings that end the response and are not part of its text. */
  readonly stop: readonly string[];
}

export function checkSampling(sampling: ChatSampling): ChatSampling {
  const { temperature, maxNewTokens, seed, stop } = sampling;
  check(Number.isFinite(temperature) && temperature >= 0, "temperature", "a number of 0 or more", temperature);
  check(Number.isInteger(maxNewTokens) && maxNewTokens > 0, "maxNewTokens", "a whole number above 0", maxNewTokens);
  check(Number.isSafeInteger(seed), "seed", "a whole number", seed);
  check(!stop.includes(""), "stop", "strings that are not empty", JSON.stringify(stop));
  return sampling;
}

function check(ok: boolean, name: string, expected: string, found: unknown): void {
  if (ok) return;
  const what = `option "${name}" is wrong`;
  throw new UsageError({ what, where: "ChatOnnx", expected, found: String(found), remedy: `pass another ${name}` });
}

/**
 * The random stream of one call, a 32-bit number: neither the order of calls nor their batching changes a response,
 * and two prompts do not share their randomness.
 */
export function promptSeed(seed: number, promptIds: readonly number[]): number {
  const hash = createHash("sha256").update(Float64Array.of(seed)).update(Int32Array.from(promptIds));
  return hash.digest().readUInt32LE();
}
