import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { readConfig } from "../../../src/model/checkpoint/config.js";
import { openCheckpoint } from "../../../src/model/checkpoint/weights.js";
import { tokenTensor } from "../../../src/model/engine/batching.js";
import { decodeBatch } from "../../../src/model/engine/decoding.js";
import { LanguageModel } from "../../../src/model/engine/language-model.js";
import { feedsOf, newLora, type ParameterSet, readLora } from "../../../src/model/engine/parameter-set.js";
import { groupFeeds, scoreBatch } from "../../../src/model/engine/scoring.js";
import { Sessions, type SessionsOptions } from "../../../src/model/engine/sessions.js";
import { GRADIENT_PREFIX, GRADIENT_SCALE } from "../../../src/model/graph/policy-graph.js";
import { checkPrecision, defaultPrecision } from "../../../src/model/graph/precision.js";
import type { HostTensor } from "../../../src/onnx/session.js";
import { Random } from "../../../src/random.js";
import { referenceFolder, referenceNames, referencesAbsent } from "../reference.js";
import { randomIds, tinyCheckpoint, tinyConfig } from "../tiny-checkpoint.js";

async function open(folder: string, options: Partial<SessionsOptions>, adapter?: string) {
  const config = await readConfig(folder);
  const checkpoint = await openCheckpoint(folder, config);
  const sessions = new Sessions(checkpoint, { device: "cpu", threads: 1, parameters: 0, ...options });
  onTestFinished(() => sessions.release());
  return { config, sessions, set: adapter === undefined ? randomLora(config) : await readLora(config, adapter) };
}

function randomLora(config: Parameters<typeof newLora>[0]): ParameterSet {
  const set = newLora(config, { rank: 3, alpha: 6, seed: 2 });
  const random = new Random(8);
  for (const { data } of set.tensors.values())
    for (let i = 0; i < data.length; i++) data[i]! += 0.5 * random.next() - 0.25;
  return set;
}

/** Gradients of the likelihood of two groups, as one vector, and their log-probabilities. */
async function learn(folder: string, options: Partial<SessionsOptions>, adapter?: string) {
  const { config, sessions, set } = await open(folder, options, adapter);
  const groups = [
    { promptIds: randomIds(19, 1, config), responses: [randomIds(5, 2, config), randomIds(9, 3, config)] },
    { promptIds: randomIds(7, 4, config), responses: [randomIds(3, 5, config), randomIds(7, 6, config)] },
  ];
  const session = await sessions.update("likelihood", "lora");
  const { feeds, width } = groupFeeds(groups, config);
  const weights = tokenTensor(
    groups.map(({ responses }) => responses.map((ids) => ids.map(() => 1e-3))),
    width,
  );
  const scale: HostTensor = { dtype: "float32", shape: [], data: Float32Array.of(2 ** 16) };
  const scaled = session.takes(GRADIENT_SCALE) ? { [GRADIENT_SCALE]: scale } : {};
  const results = await session.run({ ...feeds, weights, ...scaled, ...feedsOf(set) });
  const gradients = [...set.tensors.keys()].flatMap((name) =>
    Array.from(results[`${GRADIENT_PREFIX}${name}`]!.data as Float32Array),
  );
  return { gradients, logprobs: Array.from(results.logprobs!.data as Float32Array), weights: weights.data };
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

describe("float16", () => {
  for (const name of referenceNames) {
    it.skipIf(referencesAbsent)(
      `gives LoRA gradients of the same direction as float32 on ${name} (needs ../shared)`,
      async () => {
        const folder = join(referenceFolder, name);
        const adapter = join(folder, "adapter");
        const [wide, half] = [
          await learn(folder, { precision: "float32" }, adapter),
          await learn(folder, { precision: "float16" }, adapter),
        ];
        expect(half.gradients).not.toEqual(wide.gradients);
        expect(cosine(wide.gradients, half.gradients)).toBeGreaterThan(0.999);
        half.logprobs.forEach((logprob, i) => {
          if (wide.weights[i] !== 0) expect(Math.abs(logprob - wide.logprobs[i]!)).toBeLessThan(0.05);
        });
      },
    );
  }

  it("trains: the loss falls, and the adapter stays float32", async () => {
    const folder = await tinyCheckpoint();
    const model = await LanguageModel.open({ folder, threads: 1, precision: "float16" });
    onTestFinished(() => model.close());
    expect(model.info.precision).toBe("float16");
    model.createAdapter("a", { rank: 2, alpha: 4, seed: 1 });
    const response = randomIds(6, 9);
    const groups = [{ promptIds: randomIds(5, 8), responses: [response], weights: [response.map(() => 1 / 6)] }];
    const losses = [];
    for (let step = 0; step < 8; step++) {
      const request = { objective: "likelihood", groups, optimizer: { learningRate: 0.02 } } as const;
      losses.push((await model.update("a", request)).loss);
    }
    expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.5);
  });
});

describe("the runtime's attention kernel", () => {
  const variants = {
    "grouped keys and norms on heads": { headSize: 16 },
    "heads that grow past a width that no kernel has": { headSize: 128 },
    "biases, untied embeddings, one key head per query head": {
      headSize: 16,
      architecture: "qwen2",
      queryKeyNorm: false,
      attentionBias: true,
      tiedEmbeddings: false,
      keyValueHeads: 4,
    },
  } as const;
  for (const [title, changes] of Object.entries(variants)) {
    it(`gives the gradients and log-probabilities of plain products, with ${title}`, async () => {
      const folder = await tinyCheckpoint({ ...tinyConfig, ...changes });
      const [plain, fused] = [await learn(folder, { fused: false }), await learn(folder, { fused: true })];
      expect(cosine(plain.gradients, fused.gradients)).toBeGreaterThan(1 - 1e-9);
      fused.logprobs.forEach((logprob, i) => {
        if (plain.weights[i] !== 0) expect(logprob).toBeCloseTo(plain.logprobs[i]!, 4);
      });
    });

    it(`decodes what plain products decode, prompts of different lengths in one batch, with ${title}`, async () => {
      const folder = await tinyCheckpoint({ ...tinyConfig, ...changes });
      const requests = [
        { promptIds: randomIds(6, 1), maxNewTokens: 12, temperature: 0.8, seed: 3, count: 3 },
        { promptIds: randomIds(11, 2), maxNewTokens: 12, temperature: 0, seed: 4, count: 3 },
      ];
      const [plain, fused] = await Promise.all(
        [false, true].map(async (fused) => {
          const { config, sessions, set } = await open(folder, { fused });
          return decodeBatch(await sessions.get("generate", "lora"), requests, [5], config, feedsOf(set));
        }),
      );
      expect(fused!.map((rows) => rows.map(({ ids }) => ids))).toEqual(
        plain!.map((rows) => rows.map(({ ids }) => ids)),
      );
      const logprobs = (groups: typeof plain) => groups!.flatMap((rows) => rows.flatMap((row) => row.logprobs));
      logprobs(fused).forEach((logprob, i) => {
        expect(logprob).toBeCloseTo(logprobs(plain)[i]!, 4);
      });
    });
  }
});

describe("decoding of several steps a trip", () => {
  const rows = [
    { promptIds: randomIds(6, 1), temperature: 0.8, seed: 3, count: 3 },
    { promptIds: randomIds(11, 2), temperature: 0, seed: 4, count: 3 },
  ];
  const ids = (groups: readonly (readonly { readonly ids: number[] }[])[]) =>
    groups.map((group) => group.map((row) => row.ids));

  it("gives as many tokens as are asked for, the same as a trip for each, wherever the last trip ends", async () => {
    const folder = await tinyCheckpoint({ ...tinyConfig, headSize: 16 });
    const [plain, fused] = await Promise.all(
      [false, true].map(async (fused) => {
        const { config, sessions, set } = await open(folder, { fused });
        const session = await sessions.get("generate", "lora");
        const decode = (maxNewTokens: number) =>
          decodeBatch(
            session,
            rows.map((row) => ({ ...row, maxNewTokens })),
            [],
            config,
            feedsOf(set),
          );
        const all = [];
        for (const maxNewTokens of [1, 2, 8, 9, 10, 19]) all.push(ids(await decode(maxNewTokens)));
        return all;
      }),
    );
    expect(fused!.map((groups) => groups[0]![0]!.length)).toEqual([1, 2, 8, 9, 10, 19]);
    expect(fused).toEqual(plain);
  });

  it("ends with the trip in which the last response ends, and cuts each at its own stop token", async () => {
    const folder = await tinyCheckpoint({ ...tinyConfig, headSize: 16 });
    const { config, sessions, set } = await open(folder, { fused: true });
    const session = await sessions.get("generate", "lora");
    const requests = rows.map((row) => ({ ...row, maxNewTokens: 40 }));
    const whole = ids(await decodeBatch(session, requests, [], config, feedsOf(set))).flat();
    const stops = whole.map((row) => row[12]!);
    const run = vi.spyOn(session, "run");
    const stopped = ids(await decodeBatch(session, requests, stops, config, feedsOf(set))).flat();
    expect(stopped).toEqual(whole.map((row) => row.slice(0, 1 + row.findIndex((id) => stops.includes(id)))));
    const taken = (await run.mock.results[0]!.value).tokens.data.length / whole.length;
    expect(taken).toBeGreaterThanOrEqual(Math.max(...stopped.map((row) => row.length)));
    expect(taken).toBeLessThanOrEqual(17);
  });
});

function numbersIn(value: unknown): number[] {
  if (typeof value === "number") return [value];
  if (value instanceof Float32Array || Array.isArray(value))
    return Array.from(value as Iterable<unknown>).flatMap(numbersIn);
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

describe("one session for decoding, scoring and update", () => {
  it.each(["float32", "float16"] as const)("computes what one session for each computes, in %s", async (precision) => {
    const folder = await tinyCheckpoint({ ...tinyConfig, headSize: 16 });
    const groups = [
      { promptIds: randomIds(9, 1), responses: [randomIds(5, 2), randomIds(2, 3)] },
      { promptIds: randomIds(4, 4), responses: [randomIds(1, 5), randomIds(7, 6)] },
    ];
    const all = [];
    for (const united of [false, true]) {
      const { config, sessions, set } = await open(folder, { precision, united, fused: true });
      const generate = await sessions.get("generate", "lora");
      const request = { promptIds: randomIds(6, 1), maxNewTokens: 8, temperature: 0.8, seed: 3, count: 3 };
      const decoded = await decodeBatch(generate, [request], [], config, feedsOf(set));
      const scores = await scoreBatch(await sessions.get("scores", "lora"), groups, config, feedsOf(set));
      const policy = await sessions.update("policy", "lora", { ratio: "sequence", kl: "k2" });
      const { feeds, width } = groupFeeds(groups, config);
      const each = (value: number) =>
        tokenTensor(
          groups.map(({ responses }) => responses.map((ids) => ids.map(() => value))),
          width,
        );
      const one = (value: number): HostTensor => ({ dtype: "float32", shape: [], data: Float32Array.of(value) });
      const results = await policy.run({
        ...feeds,
        ...feedsOf(set),
        weights: each(0.1),
        advantages: each(-1),
        old_logprobs: each(-3),
        reference_logprobs: each(-2),
        sequence_shares: each(0.2),
        clip_low: one(0.2),
        clip_high: one(0.2),
        kl_coefficient: one(0.1),
        ...(policy.takes(GRADIENT_SCALE) ? { [GRADIENT_SCALE]: one(1024) } : {}),
      });
      // Without a form the loss is GRPO's, whatever the session was made for.
      const plain = await sessions.update("policy", "lora");
      expect(plain.takes("sequence_shares")).toBe(false);
      all.push({ decoded, scores, results });
    }
    const [apart, together] = all.map(numbersIn);
    expect(together!.length).toBe(apart!.length);
    // Weights are packed in another order: the last bits may differ.
    const bound = precision === "float32" ? 1e-5 : 1e-2;
    together!.forEach((x, i) => {
      expect(Math.abs(x - apart![i]!)).toBeLessThanOrEqual(bound * (1 + Math.abs(apart![i]!)));
    });
  });
});

describe("a precision", () => {
  it("is float32 on CPU and WebGPU, and the training type of the architecture on CUDA", () => {
    expect(defaultPrecision("cpu", "qwen2")).toBe("float32");
    expect(defaultPrecision("webgpu", "llama")).toBe("float32");
    expect(defaultPrecision("cuda:1", "qwen2")).toBe("bfloat16");
  });

  it("that the device has no kernels for is refused, with what to use instead", async () => {
    expect(() => checkPrecision("bfloat16", "cuda")).not.toThrow();
    expect(() => checkPrecision("bfloat16", "webgpu")).toThrow(/webgpu cannot compute in bfloat16/);
    const opened = LanguageModel.open({ folder: await tinyCheckpoint(), precision: "bfloat16" });
    await expect(opened).rejects.toThrow(/float32 or float16/);
  });
});
