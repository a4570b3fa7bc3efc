import { describe, expect, it, onTestFinished } from "vitest";
import type { PolicyGroup } from "../../../src/model/engine/engine.js";
import { LanguageModel } from "../../../src/model/engine/language-model.js";
import { planRuns } from "../../../src/model/engine/update-runs.js";
import { blockedScores } from "../../../src/model/graph/blocked-scores.js";
import { gradient } from "../../../src/onnx/gradient.js";
import * as o from "../../../src/onnx/operators.js";
import { input } from "../../../src/onnx/value.js";
import { Random } from "../../../src/random.js";
import { runGraph, tensor } from "../../onnx/run-graph.js";
import { randomIds, tinyCheckpoint } from "../tiny-checkpoint.js";

function groupOf(promptIds: readonly number[], responses: readonly (readonly number[])[], seed: number): PolicyGroup {
  const random = new Random(seed);
  const each = (value: () => number) => responses.map((ids) => ids.map(value));
  return {
    promptIds,
    responses,
    weights: each(() => 0.05),
    advantages: each(() => 2 * random.next() - 1),
    oldLogprobs: each(() => -3),
    referenceLogprobs: each(() => -3 - random.next()),
  };
}

/** Loss, gradient norm, log-probabilities and the adapter's scores after one update. */
async function learn(groups: readonly PolicyGroup[], batchBytes?: number) {
  const options = { folder: await tinyCheckpoint(), threads: 1 };
  const model = await LanguageModel.open(batchBytes === undefined ? options : { ...options, batchBytes });
  onTestFinished(() => model.close());
  model.createAdapter("a", { rank: 2, alpha: 4, seed: 1 });
  const update = { objective: "policy", groups, clipLow: 0.2, clipHigh: 0.2, klCoefficient: 0.1 } as const;
  const { loss, gradientNorm, logprobs } = await model.update("a", { ...update, optimizer: { learningRate: 0.01 } });
  const after = await model.logprobs([{ promptIds: randomIds(6, 50), responses: [randomIds(5, 51)] }], "a");
  return { loss, gradientNorm, logprobs: logprobs.flat(2), after: after[0]!.logprobs[0]! };
}

function expectSame(a: Awaited<ReturnType<typeof learn>>, b: Awaited<ReturnType<typeof learn>>): void {
  expect(b.loss / a.loss).toBeCloseTo(1, 5);
  expect(b.gradientNorm / a.gradientNorm).toBeCloseTo(1, 4);
  for (const part of ["logprobs", "after"] as const) {
    b[part].forEach((logprob, i) => {
      expect(logprob).toBeCloseTo(a[part][i]!, 4);
    });
  }
}

describe("an update", () => {
  const prompts = [randomIds(20, 1), randomIds(18, 2), randomIds(17, 3), randomIds(6, 4)];
  const groups = prompts.map((prompt, i) => groupOf(prompt, [randomIds(5, 10 + i), randomIds(3 + i, 20 + i)], i));

  it("is the same whether its groups go in one batch, in batches of one, or in several runs", async () => {
    expectSame(await learn(groups), await learn(groups, 1));
  });

  it("computes a prompt once for its group as it would for each response by itself", async () => {
    const apart = groups.flatMap((group) =>
      group.responses.map((_, i): PolicyGroup => {
        const one = <T>(rows: readonly T[]): T[] => [rows[i]!];
        const { promptIds, responses, weights, advantages, oldLogprobs, referenceLogprobs } = group;
        return {
          promptIds,
          responses: one(responses),
          weights: one(weights),
          advantages: one(advantages),
          oldLogprobs: one(oldLogprobs),
          referenceLogprobs: one(referenceLogprobs),
        };
      }),
    );
    expectSame(await learn(groups), await learn(apart));
  });
});

describe("the plan of an update", () => {
  const size = (prompt: number, response = 4, group = 2) => ({ prompt, response, group });

  it("joins batches that follow each other and are about equally large, padded to the largest", () => {
    const runs = planRuns([[0, 1], [2, 3], [4]], [size(100), size(90), size(80, 5), size(79), size(20)], 1000);
    expect(runs).toEqual([
      {
        batches: [
          [0, 1],
          [2, 3],
        ],
        size: { count: 2, prompt: 100, group: 2, response: 5 },
      },
      { batches: [[4]], size: { count: 1, prompt: 20, group: 2, response: 4 } },
    ]);
  });

  it("never joins groups of different sizes", () => {
    expect(planRuns([[0], [1]], [size(9, 4, 2), size(9, 4, 3)], 1000)).toHaveLength(2);
  });
});

describe("scores by blocks of rows", () => {
  it("are those of all logits at once, and so is their gradient, however many blocks there are", async () => {
    const [rows, width, vocabulary] = [37, 3, 64];
    const random = new Random(3);
    const numbers = (count: number) => Array.from({ length: count }, () => random.next() - 0.5);
    const states = input("states", "float32", ["T", width]);
    const targets = input("targets", "int64", ["T"]);
    const head = input("head", "float32", [vocabulary, width]);
    const whole = o.logSoftmax(o.matmul(states, head, { transposeB: true }));
    const chosen = o.reshape(o.gatherElements(whole, o.reshape(targets, ["T", 1])), ["T"]);
    const blocked = blockedScores(states, head, targets, { rowsOfBlock: 8 });
    const share = o.cast(o.range("T"), "float32");
    const gradientOf = (x: typeof chosen) => gradient(o.reduceSum(o.mul(x, share)), [states])[0]!;
    const results = await runGraph(
      [
        [states, tensor("float32", [rows, width], numbers(rows * width))],
        [
          targets,
          tensor(
            "int64",
            [rows],
            Array.from({ length: rows }, () => random.int(vocabulary)),
          ),
        ],
        [head, tensor("float32", [vocabulary, width], numbers(vocabulary * width))],
      ],
      {
        chosen,
        blocked,
        gradient: gradientOf(chosen),
        blockedGradient: gradientOf(blocked),
      },
    );
    for (const [one, other] of [
      ["chosen", "blocked"],
      ["gradient", "blockedGradient"],
    ]) {
      expect(results[other!]!.shape).toEqual(results[one!]!.shape);
      results[other!]!.data.forEach((x, i) => {
        expect(x).toBeCloseTo(results[one!]!.data[i]!, 4);
      });
    }
  });
});
