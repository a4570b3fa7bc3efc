import { addDims, type Dim, multiplyDims } from "../../onnx/dimension.js";
import type { ModelDefinition } from "../../onnx/emit.js";
import * as o from "../../onnx/operators.js";
import { input, int64s, scalar, type Value } from "../../onnx/value.js";
import type { DecoderConfig } from "../checkpoint/config.js";
import type { KeyValues } from "./attention.js";
import { any, fanOutLogits, generateInputs, lastPromptRows, tokenSampler, zero } from "./generate-inputs.js";
import type { Precision } from "./precision.js";
import { rotaryTables } from "./rope.js";

/** Parameters of the whole decoder, an adapter already merged into the linear layers. */
export interface MergedParameters {
  readonly dtype: Precision;
  tensor(name: string): Value;
  /** [out, in] of a linear layer, such as "model.layers.0.mlp.up_proj". */
  weight(name: string): Value;
  readonly biases: ReadonlySet<string>;
}

/** What a layer adds to the residual stream is carried beside it, so that one kernel adds and normalises. */
interface Stream {
  readonly residual: Value;
  readonly added: Value | undefined;
}

interface Positions {
  /** int32 [rows]: tokens in the cache before the last of these. */
  readonly lengths: Value;
  /** int32: length of the cache's buffer. */
  readonly total: Value;
}

/**
 * Steps of one trip of the loop. From trip to trip the runtime copies the caches; between the steps of a trip its attention kernel appends to
 * them in place, and the host asks once a trip whether all responses have ended.
 */
const TRIP_STEPS = 16;

/** The last trip may take steps after the N-th: they need room and draws. */
const BEYOND = TRIP_STEPS - 1;

/**
 * Prefill and decoding in one run, as `generateGraph` without its caches' inputs and outputs, in about ten nodes a layer: launching kernels,
 * not arithmetic, limits decoding on a GPU. Every response has a cache of its own, filled with its prompt's; queries, keys and values are one
 * product, and the runtime's attention kernel rotates, appends and attends. headSize must be a multiple of 16.
 *
 * Outputs: tokens and logprobs [steps · B · G], step by step; what follows a stop token or the N-th step is filler.
 */
export function fusedGenerateGraph(
  config: DecoderConfig,
  parameters: MergedParameters,
  adapterInputs: readonly Value[],
): ModelDefinition {
  const { layers, keyValueHeads, headSize, vocabularySize } = config;
  const { dtype, tensor } = parameters;
  const given = generateInputs();
  const { promptIds, promptLengths } = given;
  const { targets, targetsOf, sample, isStop } = tokenSampler(given);
  const table = tensor("model.embed_tokens.weight");
  const decoder = new FusedDecoder(config, parameters);

  const promptTotal = o.cast(o.extent("P"), "int32");
  const whole = { lengths: o.expand(o.reshape(o.sub(promptTotal, 1), [1]), ["B"]), total: promptTotal };
  const prompts: KeyValues[] = [];
  let prompt: Stream = { residual: o.gather(table, promptIds), added: undefined };
  for (let layer = 0; layer < layers; layer++) {
    prompt = decoder.layer(prompt, layer, whole, undefined, (present) => prompts.push(present));
  }
  const lastRows = lastPromptRows(promptLengths);
  const { hiddenSize } = config;
  const ends = (x: Value) => o.gather(o.reshape(x, ["B*P", hiddenSize]), lastRows);
  const promptLogits = decoder.logits({ residual: ends(prompt.residual), added: ends(prompt.added!) });
  const first = sample(fanOutLogits(promptLogits, vocabularySize), targetsOf(zero()));

  const room = addDims("N", BEYOND);
  const total = addDims(room, "P");
  const cacheShape: Dim[] = ["B*G", keyValueHeads, total, headSize];
  const empty = o.expand(scalar(0, dtype), ["B*G", keyValueHeads, room, headSize]);
  const fanOut = (x: Value) => {
    const rows = o.expand(o.reshape(x, ["B", 1, keyValueHeads, "P", headSize]), [
      "B",
      "G",
      keyValueHeads,
      "P",
      headSize,
    ]);
    return o.concat([o.reshape(rows, ["B*G", keyValueHeads, "P", headSize]), empty], 2);
  };
  const allTargets = o.concat([targets, o.expand(scalar(0, "float32"), [BEYOND, "B*G"])], 0);
  const iteration = input("iteration", "int64", []);
  const token = input("token", "int64", ["B*G", 1]);
  const done = input("done", "bool", ["B*G"]);
  const lengths = input("lengths", "int32", ["B*G"]);
  const past = Array.from({ length: layers }, (_, layer) => ({
    keys: input(`k${layer}`, dtype, cacheShape),
    values: input(`v${layer}`, dtype, cacheShape),
  }));
  const steps = Array.from({ length: TRIP_STEPS }, (_, i) => i + 1);
  const tripTargets = o.gather(allTargets, o.add(int64s(steps), o.mul(iteration, TRIP_STEPS)));
  const stepTargets = o.split(
    o.transpose(tripTargets, [1, 0]),
    steps.map(() => 1),
    1,
  );
  const at = { total: o.cast(o.extent(total), "int32") };
  let caches: readonly KeyValues[] = past;
  let latest = token;
  const sampled = stepTargets.map((target, i) => {
    const present: KeyValues[] = [];
    const position = { ...at, lengths: i === 0 ? lengths : o.add(lengths, i) };
    let step: Stream = { residual: o.gather(table, latest), added: undefined };
    for (let layer = 0; layer < layers; layer++) {
      step = decoder.layer(step, layer, position, caches[layer], (next) => present.push(next));
    }
    const logits = o.reshape(decoder.logits(step), ["B*G", vocabularySize]);
    const next = sample(logits, target);
    caches = present;
    latest = next.tokens;
    return next;
  });
  const ofTrip = (part: "tokens" | "logprobs") =>
    o.concat(
      sampled.map((step) => step[part]),
      1,
    );
  const [tokens, logprobs] = [ofTrip("tokens"), ofTrip("logprobs")];
  const nextDone = o.or(done, isStop(tokens));
  const flatten = (all: readonly KeyValues[]) => all.flatMap(({ keys, values }) => [keys, values]);
  const firstLengths = o.reshape(o.expand(o.reshape(promptLengths, ["B", 1]), ["B", "G"]), ["B*G"]);
  const results = o.loop(
    // ⌈(N − 1) / steps⌉
    o.div(o.add(o.extent("N"), TRIP_STEPS - 2), TRIP_STEPS),
    [first.tokens, isStop(first.tokens), o.cast(firstLengths, "int32"), ...flatten(prompts).map(fanOut)],
    {
      iteration,
      states: [token, done, lengths, ...flatten(past)],
      // A response that has ended does not stop the others; the loop ends with the last of them.
      proceed: any(o.not(nextDone)),
      nextStates: [latest, nextDone, o.add(lengths, TRIP_STEPS), ...flatten(caches)],
      scans: [tokens, logprobs],
      trips: "trips",
    },
  );
  /** The first step's [B·G, 1] before those of all trips [trips, B·G, steps]. */
  const joined = (before: Value, rest: Value) => {
    const byStep = o.transpose(rest, [0, 2, 1]);
    return o.concat([o.reshape(before, ["B*G"]), o.reshape(byStep, [multiplyDims(...byStep.shape)])], 0);
  };
  const [laterTokens, laterLogprobs] = results.slice(3 + 2 * layers);
  return {
    inputs: [...Object.values(given), ...adapterInputs],
    outputs: { tokens: joined(first.tokens, laterTokens!), logprobs: joined(first.logprobs, laterLogprobs!) },
  };
}

class FusedDecoder {
  private readonly packed = new Map<string, Value>();

  constructor(
    private readonly config: DecoderConfig,
    private readonly parameters: MergedParameters,
  ) {}

  layer(
    stream: Stream,
    index: number,
    at: Positions,
    past: KeyValues | undefined,
    keep: (present: KeyValues) => void,
  ): Stream {
    const name = `model.layers.${index}`;
    const { normal, sum } = this.norm(stream, `${name}.input_layernorm`);
    const { cosines, sines } = rotaryTables(this.config, this.parameters.dtype, BEYOND);
    const rows = this.normHeads(this.queriesKeysValues(normal, `${name}.self_attn`), `${name}.self_attn`);
    const { mixed, keys, values } = o.groupQueryAttention(rows, { ...at, cosines, sines }, past, this.config);
    keep({ keys, values });
    const attended = this.linear(mixed, `${name}.self_attn.o_proj`);
    const middle = this.norm({ residual: sum, added: attended }, `${name}.post_attention_layernorm`);
    const [gate, up] = ["gate_proj", "up_proj"].map((part) => this.linear(middle.normal, `${name}.mlp.${part}`));
    return { residual: middle.sum, added: this.linear(o.gated(gate!, up!), `${name}.mlp.down_proj`) };
  }

  /** float32. */
  logits(stream: Stream): Value {
    const head = this.config.tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight";
    const { normal } = this.norm(stream, "model.norm");
    return o.cast(o.matmul(normal, this.parameters.tensor(head), { transposeB: true }), "float32");
  }

  private norm({ residual, added }: Stream, name: string): { readonly normal: Value; readonly sum: Value } {
    const weight = this.parameters.tensor(`${name}.weight`);
    const { rmsNormEpsilon } = this.config;
    if (added === undefined) return { normal: o.rmsNorm(residual, weight, rmsNormEpsilon), sum: residual };
    return o.skipRmsNorm(residual, added, weight, rmsNormEpsilon);
  }

  private linear(x: Value, name: string): Value {
    return this.withBias(o.matmul(x, this.parameters.weight(name), { transposeB: true }), `${name}.bias`);
  }

  private queriesKeysValues(x: Value, name: string): Value {
    const names = ["q_proj", "k_proj", "v_proj"].map((part) => `${name}.${part}`);
    const pack = (key: string, parts: () => readonly Value[]) => {
      const value = this.packed.get(key) ?? o.concat(parts(), 0);
      this.packed.set(key, value);
      return value;
    };
    const y = o.matmul(
      x,
      pack(name, () => names.map((part) => this.parameters.weight(part))),
      { transposeB: true },
    );
    const { biases, tensor } = this.parameters;
    if (!biases.has(`${names[0]}.bias`)) return y;
    return o.add(
      y,
      pack(`${name}.bias`, () => names.map((part) => tensor(`${part}.bias`))),
    );
  }

  /** Norms on each head's queries and keys, where the model has them, within the packed rows. */
  private normHeads(packed: Value, name: string): Value {
    const { queryKeyNorm, heads, keyValueHeads, headSize, rmsNormEpsilon } = this.config;
    if (!queryKeyNorm) return packed;
    const parts = o.split(packed, [heads * headSize, keyValueHeads * headSize, keyValueHeads * headSize], 2);
    const normed = (x: Value, part: "q" | "k", number: number) => {
      const perHead = o.reshape(x, [x.shape[0]!, x.shape[1]!, number, headSize]);
      const weight = this.parameters.tensor(`${name}.${part}_norm.weight`);
      return o.reshape(o.rmsNorm(perHead, weight, rmsNormEpsilon), x.shape);
    };
    return o.concat([normed(parts[0]!, "q", heads), normed(parts[1]!, "k", keyValueHeads), parts[2]!], 2);
  }

  private withBias(y: Value, name: string): Value {
    return this.parameters.biases.has(name) ? o.add(y, this.parameters.tensor(name)) : y;
  }
}
