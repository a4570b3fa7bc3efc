import { join } from "node:path";
import { z } from "zod";
import { readOptionalJson } from "../json-file.js";
import { type ChatTokenizer, loadTokenizer } from "../model/checkpoint/tokenizer.js";
import type { PolicyEngine } from "../model/engine/engine.js";
import { openEngine } from "../model/engine/open-engine.js";
import type { Precision } from "../model/graph/precision.js";
import type { Device } from "../onnx/device.js";
import { type Bounds, type Check, compare, type Skip } from "./check.js";
import { differing, largestDifference, parting, worst } from "./difference.js";
import { checkEmbeddings, type EmbeddingRow, embeddingSchema } from "./embedding-checks.js";

const chatSchema = z.object({
  messages: z.array(z.object({ role: z.string(), content: z.string() })).min(1),
  rendered: z.string(),
  prompt_ids: z.array(z.number().int()).min(1),
  greedy_ids: z.array(z.number().int()).min(1),
  logprobs: z.array(z.number()).min(1),
  smallest_margin: z.number(),
});

const rowsOf = (model: string, value: string | Chat[] | EmbeddingRow[]): [string, Rows][] =>
  typeof value === "string" ? [] : [[model, value]];

/** Per model its chats, or a sentence encoder's texts; other fields are remarks. */
export const chatFileSchema = z
  .record(z.string(), z.union([z.string(), z.array(chatSchema).min(1), z.array(embeddingSchema).min(1)]))
  .transform((entries) => new Map(Object.entries(entries).flatMap(([model, value]) => rowsOf(model, value))))
  .refine((entries) => entries.size > 0, { message: "at least one model with its chats" });

type Chat = z.infer<typeof chatSchema>;
type Rows = readonly Chat[] | readonly EmbeddingRow[];
export type ChatFile = z.infer<typeof chatFileSchema>;

/** Below this difference of the best two tokens, rounding may choose the other. */
const TIE = 0.01;

export interface ChatOptions {
  /** Folder that holds one checkpoint folder per model. */
  readonly models: string | undefined;
  readonly device: Device;
  /** float32 by default, whatever the device. */
  readonly precision?: Precision;
  readonly bounds: Bounds;
  /** Told when a model is done: wall-clock time of its checks in seconds. */
  readonly onModel?: ((model: string, seconds: number) => void) | undefined;
}

/** Real checkpoints beside another implementation's chats: template, tokenizer, decoding and scoring. @throws FileError. */
export async function* checkChatFile(file: string, chats: ChatFile, options: ChatOptions): AsyncGenerator<Check> {
  for (const [model, rows] of chats) {
    const reason = await skipReason(model, options.models);
    if (reason !== undefined) {
      yield { file, check: model, skipped: reason } satisfies Skip;
      continue;
    }
    const started = performance.now();
    const folder = join(options.models!, model);
    if (areEmbeddings(rows)) yield* checkEmbeddings(file, model, rows, { folder, device: options.device });
    else yield* checkModel(file, model, rows, folder, options);
    options.onModel?.(model, (performance.now() - started) / 1000);
  }
}

const areEmbeddings = (rows: Rows): rows is readonly EmbeddingRow[] => "embedding" in rows[0]!;

async function skipReason(model: string, models: string | undefined): Promise<string | undefined> {
  if (models === undefined) return "no folder of models was given: pass --models DIR";
  const config = await readOptionalJson(join(models, model, "config.json"));
  return config === undefined ? `no checkpoint at ${join(models, model)}` : undefined;
}

async function* checkModel(
  file: string,
  model: string,
  rows: readonly Chat[],
  folder: string,
  { device, precision = "float32", bounds }: ChatOptions,
): AsyncGenerator<Check> {
  const tokenizer = await loadTokenizer(folder);
  yield checkTexts(file, model, rows, tokenizer);
  const ids = rows.map(({ messages }) => tokenizer.encodeChat(messages));
  const wrong = rows.filter(({ prompt_ids }, i) => differing(ids[i]!, prompt_ids) > 0).length;
  yield compare(file, `${model}: prompts whose token ids differ (of ${rows.length})`, wrong, 0);
  const engine = await openEngine({ folder, device, precision });
  try {
    yield* checkGreedy(file, model, rows, engine, bounds);
    const groups = rows.map(({ prompt_ids, greedy_ids }) => ({ promptIds: prompt_ids, responses: [greedy_ids] }));
    const scores = await engine.logprobs(groups);
    const { error, item } = worst(rows.keys(), (i) => largestDifference(scores[i]!.logprobs[0]!, rows[i]!.logprobs));
    yield compare(file, `${model}: log-probabilities when scored`, error, bounds.chatLogprobs, `row ${item}`);
  } finally {
    await engine.close();
  }
}

function checkTexts(file: string, model: string, rows: readonly Chat[], tokenizer: ChatTokenizer): Check {
  const wrong = rows.filter(({ messages, rendered }) => tokenizer.render(messages) !== rendered).length;
  return compare(file, `${model}: rendered templates that differ (of ${rows.length})`, wrong, 0);
}

async function* checkGreedy(
  file: string,
  model: string,
  rows: readonly Chat[],
  engine: PolicyEngine,
  bounds: Bounds,
): AsyncGenerator<Check> {
  const requests = rows.map(({ prompt_ids, greedy_ids }) => ({
    promptIds: prompt_ids,
    maxNewTokens: greedy_ids.length,
    temperature: 0,
    seed: 0,
  }));
  const generations = (await engine.generate(requests, { stopIds: [] })).map(([generation]) => generation!);
  const partings = rows.map(({ greedy_ids }, i) => parting(generations[i]!.ids, greedy_ids));
  const parted = [...rows.keys()].filter((i) => partings[i]! < rows[i]!.greedy_ids.length);
  const wrong = parted.filter((i) => rows[i]!.smallest_margin >= TIE);
  const ties = parted.filter((i) => rows[i]!.smallest_margin < TIE);
  const note = ties.length === 0 ? undefined : `part at a near tie: rows ${ties.join(", ")}`;
  yield compare(file, `${model}: greedy rows that differ (of ${rows.length})`, wrong.length, 0, note);
  const { error, item } = worst(rows.keys(), (i) =>
    largestDifference(generations[i]!.logprobs.slice(0, partings[i]), rows[i]!.logprobs.slice(0, partings[i])),
  );
  yield compare(file, `${model}: log-probabilities while decoding`, error, bounds.chatLogprobs, `row ${item}`);
}
