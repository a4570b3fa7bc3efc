import { readFile } from "node:fs/promises";
import { afterAll, describe, expect, it, vi } from "vitest";
import { adamWDefaults } from "../../../src/model/engine/adamw.js";
import { LanguageModel } from "../../../src/model/engine/language-model.js";
import { Optimizer, optimizerState, type Parameter } from "../../../src/model/engine/optimizer.js";
import type { OptimizerTask } from "../../../src/model/engine/optimizer-share.js";
import { FULL } from "../../../src/model/engine/parameter-sets.js";
import { Random } from "../../../src/random.js";
import { WorkerThread } from "../../../src/worker-thread.js";
import { tinyCheckpoint } from "../tiny-checkpoint.js";

type Tensors = Readonly<Record<"matrix" | "vector", readonly number[]>>;

/** What PyTorch computed: ../fixtures/make-adamw.py. */
interface Fixture {
  readonly options: {
    readonly learningRate: number;
    readonly beta1: number;
    readonly beta2: number;
    readonly epsilon: number;
  };
  readonly start: Tensors;
  readonly gradients: readonly Tensors[];
  readonly cases: readonly {
    readonly weightDecay: number;
    readonly maxGradientNorm: number | null;
    readonly steps: Readonly<Record<string, Tensors & { readonly norm: number }>>;
  }[];
}

const fixture = JSON.parse(await readFile(new URL("../fixtures/adamw.json", import.meta.url), "utf8")) as Fixture;
const arrays = ({ matrix, vector }: Tensors) =>
  new Map(Object.entries({ matrix, vector }).map(([name, values]) => [name, Float32Array.from(values)]));
/** Trainable copies of arrays. */
const trainable = (values: ReadonlyMap<string, Float32Array>): Map<string, Parameter> =>
  new Map([...values].map(([name, data]) => [name, { data: Float32Array.from(data) }]));

describe("AdamW", () => {
  const optimizer = new Optimizer(1);

  for (const { weightDecay, maxGradientNorm, steps } of fixture.cases) {
    const settings = `decay ${weightDecay}, ${maxGradientNorm === null ? "no clipping" : `norm at most ${maxGradientNorm}`}`;
    it(`equals PyTorch's over 100 steps: ${settings}`, async () => {
      const options = { ...fixture.options, weightDecay, maxGradientNorm: maxGradientNorm ?? Number.POSITIVE_INFINITY };
      const parameters = trainable(arrays(fixture.start));
      const state = optimizerState(parameters);
      let compared = 0;
      for (const [i, gradients] of fixture.gradients.entries()) {
        const norm = await optimizer.step(parameters, arrays(gradients), state, options);
        const wanted = steps[i + 1];
        if (wanted === undefined) continue;
        expect(Math.abs(norm - wanted.norm)).toBeLessThan(1e-6);
        for (const [name, values] of arrays(wanted)) {
          for (const [at, value] of values.entries()) {
            expect(Math.abs(parameters.get(name)!.data[at]! - value)).toBeLessThan(1e-6);
            compared++;
          }
        }
      }
      expect(compared).toBe(11 * 7);
      expect(state.step).toBe(100);
    });
  }

  it("clips by the norm over all tensors, which it gives before clipping", async () => {
    const parameters = new Map([
      ["a", { data: Float32Array.of(0) }],
      ["b", { data: Float32Array.of(0) }],
    ]);
    const gradients = new Map([
      ["a", Float32Array.of(3)],
      ["b", Float32Array.of(4)],
    ]);
    const state = optimizerState(parameters);
    expect(await optimizer.step(parameters, gradients, state, { ...adamWDefaults, maxGradientNorm: 1 })).toBe(5);
    expect(state.first.get("a")![0]).toBeCloseTo(0.1 * 0.6, 6);
    expect(state.first.get("b")![0]).toBeCloseTo(0.1 * 0.8, 6);
  });

  it("leaves parameters without gradient and decay as they were", async () => {
    const parameters = new Map([["a", { data: Float32Array.of(0.3) }]]);
    const gradients = new Map([["a", Float32Array.of(0)]]);
    await optimizer.step(parameters, gradients, optimizerState(parameters), adamWDefaults);
    expect(parameters.get("a")!.data).toEqual(Float32Array.of(0.3));
  });
});

describe("threads of the optimizer", () => {
  const alone = new Optimizer(1);
  const three = new Optimizer(3);
  const lengths = [700_000, 3, 400_001, 900_000, 1];
  const random = new Random(5);
  const tensors = () =>
    new Map(lengths.map((length, i) => [String(i), Float32Array.from({ length }, () => random.next() - 0.5)]));
  afterAll(() => Promise.all([alone.close(), three.close()]));

  it("give to the bit what one alone gives, over several steps", async () => {
    const start = tensors();
    const [a, b] = [alone, three].map((optimizer) => {
      const parameters = trainable(start);
      return { optimizer, parameters, state: optimizerState(parameters) };
    }) as [Run, Run];
    for (let step = 0; step < 3; step++) {
      const gradients = tensors();
      const norms = await Promise.all([a, b].map((run) => stepOf(run, gradients)));
      expect(norms[1]).toBe(norms[0]);
    }
    for (const name of start.keys()) {
      expect(same(b.parameters.get(name)!.data, a.parameters.get(name)!.data)).toBe(true);
      expect(same(b.state.first.get(name)!, a.state.first.get(name)!)).toBe(true);
      expect(same(b.state.second.get(name)!, a.state.second.get(name)!)).toBe(true);
      expect(same(b.parameters.get(name)!.data, start.get(name)!)).toBe(false);
    }
    expect(b.state.step).toBe(3);
  });

  it("change nothing where a gradient is not finite", async () => {
    const before = tensors();
    const parameters = trainable(before);
    const state = optimizerState(parameters);
    const gradients = tensors();
    gradients.get("3")![17] = Number.POSITIVE_INFINITY;
    expect(await three.step(parameters, gradients, state, adamWDefaults)).toBe(Number.POSITIVE_INFINITY);
    expect([...parameters].every(([name, { data }]) => same(data, before.get(name)!))).toBe(true);
    expect(state.step).toBe(0);
    expect([...state.first.values()].every((moments) => moments.every((x) => x === 0))).toBe(true);
  });

  it("that cannot open are tried again at the next step, and nothing has changed", async () => {
    const optimizer = new Optimizer(3);
    const before = tensors();
    const parameters = trainable(before);
    const state = optimizerState(parameters);
    const run = { optimizer, parameters, state };
    const open = vi.spyOn(WorkerThread, "open").mockRejectedValueOnce(new Error("no room"));
    await expect(stepOf(run, tensors())).rejects.toThrow("no room");
    expect([...parameters].every(([name, { data }]) => same(data, before.get(name)!))).toBe(true);
    expect(state).toMatchObject({ step: 0, torn: false });
    await stepOf(run, tensors());
    expect(state).toMatchObject({ step: 1, torn: false });
    open.mockRestore();
    await optimizer.close();
  });

  it("that stop within a step leave a mark of that", async () => {
    const optimizer = new Optimizer(3);
    const parameters = trainable(tensors());
    const state = optimizerState(parameters);
    const call = ({ task }: { readonly task: OptimizerTask }) => ({
      answered:
        task.type === "take" ? Promise.resolve(task.gradients.map(() => 1)) : Promise.reject(new Error("stopped")),
    });
    const open = vi.spyOn(WorkerThread, "open").mockResolvedValue({ call, terminate: async () => {} } as never);
    await expect(stepOf({ optimizer, parameters, state }, tensors())).rejects.toThrow("stopped");
    expect(state).toMatchObject({ step: 0, torn: true });
    open.mockRestore();
    await optimizer.close();
  });
});

it.each(["policy", FULL])(
  "what a step leaves halfway (%s) can be neither used nor saved, until it is made anew",
  async (name) => {
    const model = await LanguageModel.open({ folder: await tinyCheckpoint() });
    model.createAdapter("policy", { rank: 2, alpha: 4, seed: 1 });
    const step = vi.spyOn(Optimizer.prototype, "step").mockImplementationOnce(async (_, __, state) => {
      state.torn = true;
      throw new Error("stopped");
    });
    const groups = [{ promptIds: [5, 6], responses: [[7, 8]], weights: [[1, 1]] }];
    await expect(model.update(name, { objective: "likelihood", groups, optimizer: {} })).rejects.toThrow("stopped");
    await expect(model.saveTraining(name, "/nowhere")).rejects.toThrow(/was lost in a step that ended halfway/);
    await expect(model.logprobs(groups, name)).rejects.toThrow(/was lost in a step/);
    model.createAdapter(name, { rank: 2, alpha: 4, seed: 1 });
    await expect(model.logprobs(groups, name)).resolves.toHaveLength(1);
    step.mockRestore();
    await model.close();
  },
);

/** Numbers by millions: compared as bytes. */
const bytes = ({ buffer, byteOffset, byteLength }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength);
const same = (a: Float32Array, b: Float32Array) => bytes(a).equals(bytes(b));

interface Run {
  readonly optimizer: Optimizer;
  readonly parameters: Map<string, Parameter>;
  readonly state: ReturnType<typeof optimizerState>;
}

/** A step takes its gradients for good. */
const stepOf = ({ optimizer, parameters, state }: Run, gradients: ReadonlyMap<string, Float32Array>) => {
  const given = new Map([...gradients].map(([name, values]) => [name, Float32Array.from(values)]));
  return optimizer.step(parameters, given, state, adamWDefaults);
};
