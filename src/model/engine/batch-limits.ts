import { ContextLengthError, EngineError } from "../../errors.js";
import type { Device } from "../../onnx/device.js";
import { freeMemory } from "../../onnx/free-memory.js";
import type { DecoderConfig } from "../checkpoint/config.js";
import { blockRows } from "../graph/blocked-scores.js";
import type { Precision } from "../graph/precision.js";
import { PROMPT_BLOCKS } from "../graph/prompt-gradient.js";
import type { BatchSize, Sized } from "./batching.js";

/** What decides how much is computed at once. */
export interface BatchMemory {
  /** Bytes that one batch's activations should stay within. */
  readonly bytes: number;
  /** The same for decoding, which is faster the more rows it has. */
  readonly decodingBytes: number;
  /** Bytes that were free before the weights were loaded; undefined where unknown. */
  readonly free: number | undefined;
  /** Tokens of one batch; more bring no speed, only memory. */
  readonly enoughTokens: number;
  /** Rows of an update's batch, where one prompt with its responses has no more: with fewer launching is a GPU's limit, with more only memory grows. */
  readonly updateRows: number;
  readonly precision: Precision;
}

/** Larger batches are no faster, and the runtime's arena grows by doubling: what is not needed is not asked for. */
const largestBatchBytes = (device: Device): number => (device === "cpu" ? 2e9 : 16e9);
const enoughTokens = (device: Device): number => (device === "cpu" ? 1024 : 32_768);

const updateRows = (device: Device): number => (device === "cpu" ? LARGEST_ROWS : 16_384);

/** The runtime's rotary kernel on CUDA has a grid of as many rows. */
const LARGEST_ROWS = 65_535;

/** `chosen` is the user's limit; else a third of what is free, within what brings speed. */
export async function batchMemory(device: Device, chosen?: number): Promise<Omit<BatchMemory, "precision">> {
  const free = await freeMemory(device);
  const bytes = chosen ?? Math.min(largestBatchBytes(device), (free ?? Number.POSITIVE_INFINITY) / 3);
  const decodingBytes = device === "cpu" ? bytes : (free ?? 2 * largestBatchBytes(device)) / 2;
  return { bytes, decodingBytes, free, enoughTokens: enoughTokens(device), updateRows: updateRows(device) };
}

type Shape = DecoderConfig;
type Numbers = Pick<BatchMemory, "precision">;

const numberBytes = ({ precision }: Numbers): number => (precision === "float32" ? 4 : 2);
const rowsOf = ({ count, prompt, group, response }: BatchSize): number => count * (prompt + group * response);

/** Attention weights of one layer that exist at the same time: of responses on prompts and on themselves, and of so many rows of prompts. */
function attentionNumbers({ count, prompt, group, response }: BatchSize, { heads }: Shape, promptRows: number): number {
  return count * heads * (promptRows * prompt + group * response * (prompt + response));
}

/** Copies of one layer's attention weights, of its widest activations, and of a block's logits that exist at the same time. */
const COPIES = 5;

function transient(size: BatchSize, config: Shape, numbers: Numbers, promptRows: number): number {
  const each = numberBytes(numbers);
  const attention = each * attentionNumbers(size, config, promptRows);
  const widest = each * rowsOf(size) * config.intermediateSize;
  const logits = 4 * Math.min(rowsOf(size), blockRows(config.vocabularySize)) * config.vocabularySize;
  return COPIES * Math.max(attention, widest, logits);
}

/** Whether a batch of so many bytes may be computed at once. */
export function fits(size: BatchSize, bytes: number, limit: number, rows = LARGEST_ROWS): boolean {
  return bytes <= limit && rowsOf(size) <= rows;
}

/** Bytes of scoring a batch, roughly. */
export function scoringBytes(size: BatchSize, config: Shape, numbers: Numbers): number {
  return transient(size, config, numbers, numbers.precision === "float32" ? size.prompt : 0);
}

/** Bytes of a batch's gradient, roughly: what each layer keeps for the backward pass, and one layer at work. */
export function updateBytes(size: BatchSize, config: Shape, numbers: Numbers): number {
  const { hiddenSize, intermediateSize, heads, keyValueHeads, headSize, layers } = config;
  // Joined adapters compute the gated activations and the norms again.
  const [widest, hidden] = numbers.precision === "float32" ? [3, 4] : [2, 2];
  const kept = widest * intermediateSize + hidden * hiddenSize + 2 * (heads + keyValueHeads) * headSize;
  const promptRows = size.prompt / (numbers.precision === "float32" ? 1 : PROMPT_BLOCKS);
  return numberBytes(numbers) * rowsOf(size) * kept * layers + transient(size, config, numbers, promptRows);
}

/** Bytes of sampling responses to a batch, roughly: caches of this step and the next, and the prompts at work. */
export function decodingBytes(size: BatchSize, config: Shape, numbers: Numbers): number {
  const { layers, keyValueHeads, headSize, vocabularySize } = config;
  const { count, prompt, group, response } = size;
  const each = numberBytes(numbers);
  const fused = numbers.precision !== "float32";
  const cached = fused ? 2 * count * group * (prompt + response) : count * (prompt + 2 * group * response);
  const caches = 2 * each * layers * keyValueHeads * headSize * cached;
  const logits = COPIES * 4 * count * group * vocabularySize;
  return caches + Math.max(logits, transient({ ...size, group: 0, response: 0 }, config, numbers, fused ? 0 : prompt));
}

/** @throws EngineError where one item alone would not fit what was free. */
export function checkFits(bytes: number, { prompt, group, response }: Sized, { free }: BatchMemory): void {
  if (free === undefined || bytes <= free) return;
  throw new EngineError({
    what: "not enough memory for one prompt and its responses",
    expected: `about ${gibibytes(bytes)} GiB for ${prompt} + ${group} × ${response} tokens`,
    found: `${gibibytes(free)} GiB free`,
    remedy:
      'lower groupSize (--group), maxNewTokens (--max-new-tokens) or the length of prompts, or pass precision "float16" or "bfloat16" (--precision)',
  });
}

/** @throws ContextLengthError where one item does not fit the model's context. */
export function checkLength({ prompt, response }: Sized, contextLength: number): void {
  if (prompt > 0 && prompt + response <= contextLength) return;
  throw new ContextLengthError({
    what: prompt === 0 ? "the prompt is empty" : "a prompt and its response do not fit the model's context",
    expected: `1 to ${contextLength} tokens together, the prompt at least one of them`,
    found: `${prompt} of the prompt and ${response} of the response`,
    remedy: prompt === 0 ? "give the prompt a token" : "shorten the prompt, or lower the length of responses",
  });
}

const gibibytes = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);
