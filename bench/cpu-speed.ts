import { setTimeout } from "node:timers/promises";
import { Command } from "commander";
import { positive } from "../src/cli/options/options.js";
import { readConfig } from "../src/model/checkpoint/config.js";
import { loadTokenizer } from "../src/model/checkpoint/tokenizer.js";
import { Random } from "../src/random.js";
import { ContestantProcess } from "./contestant-process.js";
import type { Choice } from "./cpu-contestants.js";

/**
 * Tokens per second of prefill and of decoding on a CPU, greedy, batch by batch, beside node-llama-cpp and transformers.js where they are
 * installed. Contestants take turns in each round; medians of rounds. All are seen from outside alike: prefill is the time to a
 * continuation of one token, decoding what the further tokens add to it. One JSON line per turn, then one of medians per contestant and batch.
 */
interface Options {
  readonly model: string;
  readonly llamaCpp?: string;
  readonly gguf?: string[];
  readonly transformers?: string;
  readonly onnx?: string;
  readonly streaming?: true;
  readonly promptLength: number;
  readonly newTokens: number;
  readonly batch: number[];
  readonly rounds: number;
  readonly threads: number;
}

const numbers = (text: string): number[] => text.split(",").map(positive);
const command = new Command("cpu-speed")
  .requiredOption("--model <dir>", "Hugging Face folder of the model")
  .option("--llama-cpp <file>", "dist/index.js of an installed node-llama-cpp")
  .option("--gguf <file...>", "the same weights for it; several are several contestants")
  .option("--transformers <file>", "dist/transformers.node.mjs of an installed @huggingface/transformers")
  .option("--onnx <dir>", "the same weights for it: config.json and onnx/model.onnx, float32")
  .option("--streaming", "this engine's streaming too, at batch 1")
  .option("--prompt-length <n>", "tokens of each prompt", positive, 512)
  .option("--new-tokens <n>", "tokens of each continuation", positive, 128)
  .option("--batch <n,…>", "prompts at once", numbers, [1, 8])
  .option("--rounds <n>", "turns of each contestant, after one to warm up", positive, 3)
  .option("--threads <n>", "of each runtime", positive, 2)
  .parse();
const options = command.opts<Options>();
const { llamaCpp, gguf, transformers, onnx, promptLength, newTokens, threads, rounds } = options;
if ((llamaCpp === undefined) !== (gguf === undefined)) command.error("error: --llama-cpp and --gguf go together");
if ((transformers === undefined) !== (onnx === undefined))
  command.error("error: --transformers and --onnx go together");

const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
};
const rounded = (value: number): number => Number(value.toPrecision(4));

/** Milliseconds after which the waiting threads of the one before have stopped to spin. */
const THREADS_ASLEEP = 500;

/** Tokens of a context beyond what is measured, so that the comparison's prompt has room too. */
const ROOM = 128;

function choices(): Choice[] {
  const { model, streaming } = options;
  const shared = { threads, batch: Math.max(...options.batch), length: promptLength + newTokens + ROOM };
  const chosen: Choice[] = [{ ...shared, kind: "engine", folder: model }];
  if (streaming) chosen.push({ ...shared, kind: "engine-streaming", folder: model });
  if (llamaCpp !== undefined && gguf !== undefined) {
    chosen.push(...gguf.map((file): Choice => ({ ...shared, kind: "llama-cpp", module: llamaCpp, gguf: file })));
  }
  if (transformers !== undefined && onnx !== undefined) {
    chosen.push({ ...shared, kind: "transformers", module: transformers, folder: onnx });
  }
  return chosen;
}

interface Entry {
  readonly contestant: ContestantProcess;
  readonly largestBatch: number;
}

/** Whether all write the same: the first place where a contestant's tokens differ from the first one's. */
async function compare(entries: readonly Entry[]): Promise<void> {
  const tokenizer = await loadTokenizer(options.model);
  const prompt = tokenizer.encodeChat([{ role: "user", content: "Name three rivers of Europe and where they end." }]);
  let expected: readonly number[] | undefined;
  for (const { contestant } of entries) {
    const { ids } = await contestant.generate([prompt], 48);
    expected ??= ids[0]!;
    const differs = ids[0]!.findIndex((id, i) => id !== expected![i]);
    print({
      ...contestant.about,
      greedy_tokens: 48,
      equal: differs < 0 ? 48 : differs,
      text: tokenizer.decode(ids[0]!),
    });
  }
}

async function measure(entries: readonly Entry[], batch: number, vocabularySize: number): Promise<void> {
  const random = new Random(batch);
  const prompts = Array.from({ length: batch }, () =>
    Array.from({ length: promptLength }, () => 3 + random.int(vocabularySize - 3)),
  );
  const prefills = entries.map((): number[] => []);
  const decodings = entries.map((): number[] => []);
  const continuations: number[][] = [];
  for (const { contestant } of entries) await contestant.generate(prompts, 2);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { contestant }] of entries.entries()) {
      await setTimeout(THREADS_ASLEEP);
      const first = await contestant.generate(prompts, 1);
      const all = await contestant.generate(prompts, 1 + newTokens);
      const prefill = (batch * promptLength) / first.seconds;
      const decoding = (batch * newTokens) / (all.seconds - first.seconds);
      prefills[i]!.push(prefill);
      decodings[i]!.push(decoding);
      continuations[i] = all.ids.flat();
      print({ ...contestant.about, batch, round, prefill: rounded(prefill), decoding: rounded(decoding) });
    }
  }
  entries.forEach(({ contestant }, i) => {
    const [prefill, decoding] = [prefills[i]!, decodings[i]!];
    print({
      ...contestant.about,
      batch,
      threads,
      prompt_length: promptLength,
      new_tokens: newTokens,
      prefill_tokens_per_s: rounded(median(prefill)),
      decoding_tokens_per_s: rounded(median(decoding)),
      same_tokens: rounded(
        continuations[i]!.filter((id, at) => id === continuations[0]![at]).length / continuations[i]!.length,
      ),
    });
  });
}

const entries: Entry[] = [];
for (const choice of choices()) {
  const largestBatch = choice.kind === "engine-streaming" ? 1 : Number.POSITIVE_INFINITY;
  entries.push({ contestant: await ContestantProcess.open(choice), largestBatch });
}
await compare(entries);
const { vocabularySize } = await readConfig(options.model);
for (const batch of options.batch) {
  const able = entries.filter(({ largestBatch }) => batch <= largestBatch);
  await measure(able, batch, vocabularySize);
}
for (const { contestant } of entries) await contestant.close();
