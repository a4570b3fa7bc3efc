import type { HostTensor, Runnable } from "../../onnx/session.js";
import { uniforms } from "../../random.js";
import type { DecoderConfig } from "../checkpoint/config.js";
import { cacheName } from "../graph/generate-graph.js";
import { promptTensors } from "./batching.js";
import type { GenerateRequest, Generation } from "./engine.js";

/** Decodes one batch of requests of equal `count` in one run of the graph. */
export async function decodeBatch(
  session: Runnable,
  requests: readonly GenerateRequest[],
  stopIds: readonly number[],
  config: DecoderConfig,
  parameters: Readonly<Record<string, HostTensor>>,
): Promise<Generation[][]> {
  const group = requests[0]!.count ?? 1;
  const steps = Math.max(...requests.map(({ maxNewTokens }) => maxNewTokens));
  const streams = requests.flatMap(({ seed }) => Array.from({ length: group }, (_, i) => uniforms(seed, i, steps)));
  const feeds = {
    ...promptFeeds(requests, stopIds, config),
    // Only the graph that can go on from an earlier run takes its caches.
    ...(session.takes(cacheName("past", "keys", 0)) ? emptyCaches(config, requests.length) : {}),
    uniforms: stepsFirst(streams, 0, steps, [requests.length, group]),
    ...parameters,
  };
  const { tokens, logprobs } = await session.run(feeds, ["tokens", "logprobs"]);
  const rows = streams.length;
  return requests.map(({ maxNewTokens }, b) =>
    Array.from({ length: group }, (_, g) => cut(tokens!, logprobs!, b * group + g, rows, maxNewTokens, stopIds)),
  );
}

/** Tokens per run while streaming: short at first, so that text appears soon; each later run pays for moving the cache through the host. */
const CHUNKS = [1, 4, 8] as const;

/** Decodes one response piece by piece, carrying the cache from run to run, until a stop token, the limit, or an abort. */
export async function decodeStream(
  session: Runnable,
  request: GenerateRequest,
  stopIds: readonly number[],
  config: DecoderConfig,
  parameters: Readonly<Record<string, HostTensor>>,
  onTokens: (ids: readonly number[], logprobs: readonly number[]) => void,
  aborted: () => boolean,
): Promise<Generation> {
  const { maxNewTokens, seed } = request;
  const draws = uniforms(seed, 0, maxNewTokens);
  const ids: number[] = [];
  const logprobs: number[] = [];
  let caches = emptyCaches(config, 1);
  let promptIds = request.promptIds;
  for (let chunk = 0; ids.length < maxNewTokens && !aborted(); chunk++) {
    const steps = Math.min(CHUNKS[Math.min(chunk, CHUNKS.length - 1)]!, maxNewTokens - ids.length);
    const results = await session.run({
      ...promptFeeds([{ ...request, promptIds }], stopIds, config),
      ...caches,
      uniforms: stepsFirst([draws], ids.length, steps, [1, 1]),
      ...parameters,
    });
    const piece = cut(results.tokens!, results.logprobs!, 0, 1, steps, stopIds);
    ids.push(...piece.ids);
    logprobs.push(...piece.logprobs);
    onTokens(piece.ids, piece.logprobs);
    if (piece.finishReason === "stop") return { ids, logprobs, finishReason: "stop" };
    caches = carryCaches(results, config);
    promptIds = ids.slice(-1);
  }
  return { ids, logprobs, finishReason: "length" };
}

function promptFeeds(
  requests: readonly GenerateRequest[],
  stopIds: readonly number[],
  config: DecoderConfig,
): Record<string, HostTensor> {
  const { ids, lengths } = promptTensors(
    requests.map(({ promptIds }) => promptIds),
    config.padId,
  );
  // An id that no token has: with no stop ids at all, nothing stops.
  const stops = stopIds.length === 0 ? [-1] : stopIds;
  return {
    prompt_ids: ids,
    prompt_lengths: lengths,
    temperatures: {
      dtype: "float32",
      shape: [requests.length],
      data: Float32Array.from(requests, ({ temperature }) => temperature),
    },
    stop_ids: { dtype: "int64", shape: [stops.length], data: BigInt64Array.from(stops, BigInt) },
  };
}

function emptyCaches({ layers, keyValueHeads, headSize }: DecoderConfig, batch: number): Record<string, HostTensor> {
  const empty: HostTensor = { dtype: "float32", shape: [batch, keyValueHeads, 0, headSize], data: new Float32Array(0) };
  const caches: Record<string, HostTensor> = {};
  for (let layer = 0; layer < layers; layer++) {
    caches[cacheName("past", "keys", layer)] = empty;
    caches[cacheName("past", "values", layer)] = empty;
  }
  return caches;
}

/** The next run's past: context [1, heads, C, size] followed, head by head, by response [1, heads, 1, t, size]. */
function carryCaches(
  results: Readonly<Record<string, HostTensor>>,
  { layers, keyValueHeads, headSize }: DecoderConfig,
): Record<string, HostTensor> {
  const caches: Record<string, HostTensor> = {};
  for (let layer = 0; layer < layers; layer++) {
    for (const part of ["keys", "values"] as const) {
      const context = results[cacheName("context", part, layer)]!.data as Float32Array;
      const response = results[cacheName("response", part, layer)]!.data as Float32Array;
      const [before, added] = [context.length / keyValueHeads, response.length / keyValueHeads];
      const data = new Float32Array(context.length + response.length);
      for (let head = 0; head < keyValueHeads; head++) {
        data.set(context.subarray(head * before, (head + 1) * before), head * (before + added));
        data.set(response.subarray(head * added, (head + 1) * added), head * (before + added) + before);
      }
      const shape = [1, keyValueHeads, (before + added) / headSize, headSize];
      caches[cacheName("past", part, layer)] = { dtype: "float32", shape, data };
    }
  }
  return caches;
}

/** Uniforms [steps, ...rows] from one array of draws per row. */
function stepsFirst(
  streams: readonly Float32Array[],
  from: number,
  steps: number,
  rows: readonly number[],
): HostTensor {
  const data = new Float32Array(steps * streams.length);
  streams.forEach((draws, row) => {
    for (let step = 0; step < steps; step++) data[step * streams.length + row] = draws[from + step]!;
  });
  return { dtype: "float32", shape: [steps, ...rows], data };
}

/** One row of [steps, rows] tokens, up to and with its stop token. */
function cut(
  tokens: HostTensor,
  logprobs: HostTensor,
  row: number,
  rows: number,
  limit: number,
  stopIds: readonly number[],
): Generation {
  const stops = new Set(stopIds);
  const all = tokens.data as BigInt64Array;
  const scores = logprobs.data as Float32Array;
  const generation = { ids: [] as number[], logprobs: [] as number[] };
  for (let step = 0; step < Math.min(limit, all.length / rows); step++) {
    const id = Number(all[step * rows + row]);
    generation.ids.push(id);
    generation.logprobs.push(scores[step * rows + row]!);
    if (stops.has(id)) return { ...generation, finishReason: "stop" };
  }
  return { ...generation, finishReason: "length" };
}
