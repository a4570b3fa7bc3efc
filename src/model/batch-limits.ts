import type { Device } from "../onnx/session.js";
import type { BatchSize } from "./batching.js";
import type { DecoderConfig } from "./config.js";

/** Bytes that one batch's largest tensors may take: attention scores of a layer, and logits. */
const largestTensor = (device: Device): number => (device === "cpu" ? 512e6 : 4e9);
const largestBatch = (device: Device): number => (device === "cpu" ? 16_384 : 131_072);

/** Tokens of one batch; more bring no speed, only memory. */
export const enoughTokens = (device: Device): number => (device === "cpu" ? 1024 : 32_768);

/** Whether a batch can be scored, or its gradient computed, at once. */
export function scoringFits(
  { count, prompt, group, response }: BatchSize,
  { heads, vocabularySize }: DecoderConfig,
  device: Device,
): boolean {
  const limit = largestTensor(device);
  const rows = prompt + group * response;
  const scores = 4 * count * heads * (prompt * prompt + group * response * (prompt + response));
  const logits = 4 * count * group * response * vocabularySize;
  return count * rows <= largestBatch(device) && scores <= limit && logits <= limit;
}

/** Whether responses to a batch can be sampled at once. */
export function decodingFits(
  { count, prompt, group, response }: BatchSize,
  { heads, layers, keyValueHeads, headSize }: DecoderConfig,
  device: Device,
): boolean {
  const limit = largestTensor(device);
  const scores = 4 * count * heads * prompt * prompt;
  const caches = 8 * count * layers * keyValueHeads * headSize * (prompt + group * response);
  return count * prompt <= largestBatch(device) && scores <= limit && caches <= 4 * limit;
}
