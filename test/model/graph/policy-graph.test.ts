import { describe, expect, it, onTestFinished } from "vitest";
import { readConfig } from "../../../src/model/checkpoint/config.js";
import { openCheckpoint } from "../../../src/model/checkpoint/weights.js";
import { tokenTensor } from "../../../src/model/engine/batching.js";
import type { ScoreGroup } from "../../../src/model/engine/engine.js";
import { feedsOf, newLora } from "../../../src/model/engine/parameter-set.js";
import { groupFeeds, scoreBatch } from "../../../src/model/engine/scoring.js";
import { Sessions } from "../../../src/model/engine/sessions.js";
import {
  GRADIENT_PREFIX,
  groupInputs,
  policyInputs,
  policyLoss,
  tokenScores,
} from "../../../src/model/graph/policy-graph.js";
import { gradient } from "../../../src/onnx/gradient.js";
import { input } from "../../../src/onnx/value.js";
import { Random } from "../../../src/random.js";
import { runGraph, tensor } from "../../onnx/run-graph.js";
import { randomIds, tinyCheckpoint } from "../tiny-checkpoint.js";

interface Token {
  readonly weight: number;
  readonly advantage: number;
  readonly logprob: number;
  readonly old: number;
  readonly reference: number;
}

const clip = { low: 0.2, high: 0.28 };

/** Loss of two rows of tokens and its gradient with respect to their log-probabilities. */
async function policy(tokens: readonly Token[], klCoefficient: number) {
  const logprobs = input("logprobs", "float32", ["B", "G", "1+R"]);
  const inputs = policyInputs();
  const { responseIds } = groupInputs();
  const loss = policyLoss(logprobs, inputs);
  const width = tokens.length / 2;
  const row = (pick: (token: Token) => number) => tensor("float32", [1, 2, width], tokens.map(pick));
  const results = await runGraph(
    [
      [logprobs, row(({ logprob }) => logprob)],
      [responseIds, tensor("int64", [1, 2, width - 1], new Array<number>(2 * width - 2).fill(0))],
      [inputs.weights, row(({ weight }) => weight)],
      [inputs.advantages, row(({ advantage }) => advantage)],
      [inputs.oldLogprobs, row(({ old }) => old)],
      [inputs.referenceLogprobs, row(({ reference }) => reference)],
      [inputs.clipLow, tensor("float32", [], [clip.low])],
      [inputs.clipHigh, tensor("float32", [], [clip.high])],
      [inputs.klCoefficient, tensor("float32", [], [klCoefficient])],
    ],
    { loss, gradient: gradient(loss, [logprobs])[0]! },
  );
  return { loss: results.loss!.data[0]!, gradient: results.gradient!.data };
}

const token = (fields: Partial<Token>): Token => ({
  weight: 0.25,
  advantage: 1,
  logprob: -1,
  old: -1,
  reference: -1,
  ...fields,
});

describe("the policy loss", () => {
  it("is the clipped surrogate with the k3 penalty, token by token", async () => {
    const random = new Random(4);
    const near = (value: number, by: number) => value + by * (random.next() - 0.5);
    const tokens = Array.from({ length: 12 }, () => {
      const logprob = -3 * random.next();
      return {
        weight: random.next(),
        advantage: near(0, 4),
        logprob,
        old: near(logprob, 1.2),
        reference: near(logprob, 2),
      };
    });
    const terms = tokens.map(({ weight, advantage, logprob, old, reference }) => {
      const ratio = Math.exp(logprob - old);
      const clipped = Math.min(Math.max(ratio, 1 - clip.low), 1 + clip.high);
      const k3 = Math.exp(reference - logprob) - (reference - logprob) - 1;
      return weight * (0.1 * k3 - Math.min(ratio * advantage, clipped * advantage));
    });
    const { loss } = await policy(tokens, 0.1);
    expect(loss).toBeCloseTo(
      terms.reduce((a, b) => a + b, 0),
      5,
    );
  });

  it("is minus the weighted advantages where the policy is still the old one and the reference", async () => {
    const { loss, gradient } = await policy(
      [1, -2, 0.5, 3].map((advantage) => token({ advantage })),
      0.04,
    );
    expect(loss).toBeCloseTo(-0.625, 6);
    expect(gradient).toEqual([-0.25, 0.5, -0.125, -0.75]);
  });

  it("gives no gradient to padding, to tokens without advantage, and to tokens clipped on the side that they would leave", async () => {
    const { gradient } = await policy(
      [
        token({ weight: 0, old: -1.1 }),
        token({ advantage: 0, old: -1.1 }),
        token({ old: -1.5 }),
        token({ advantage: -1, old: -0.5 }),
        token({ advantage: -1, old: -1.5 }),
        token({ old: -0.5 }),
      ],
      0,
    );
    expect(gradient.slice(0, 4).map(Math.abs)).toEqual([0, 0, 0, 0]);
    expect(gradient[4]).toBeCloseTo(0.25 * Math.exp(0.5), 5);
    expect(gradient[5]).toBeCloseTo(-0.25 * Math.exp(-0.5), 5);
  });
});

describe("token scores", () => {
  it("are the softmax's logarithm at the target", async () => {
    const random = new Random(6);
    const [rows, vocabulary] = [6, 9];
    const logits = Array.from({ length: rows * vocabulary }, () => 8 * (random.next() - 0.5));
    const targets = Array.from({ length: rows }, () => random.int(vocabulary));
    const logitsInput = input("logits", "float32", ["B*G+B*G*R", vocabulary]);
    const { responseIds, targetIds } = groupInputs();
    const { logprobs } = await runGraph(
      [
        [logitsInput, tensor("float32", [rows, vocabulary], logits)],
        [responseIds, tensor("int64", [1, 2, 2], [0, 0, 0, 0])],
        [targetIds, tensor("int64", [1, 2, 3], targets)],
      ],
      { logprobs: tokenScores(logitsInput, targetIds) },
    );
    for (let row = 0; row < rows; row++) {
      const own = logits.slice(row * vocabulary, (row + 1) * vocabulary);
      const sum = own.reduce((total, logit) => total + Math.exp(logit), 0);
      const shares = own.map((logit) => Math.exp(logit) / sum);
      expect(logprobs!.data[row]).toBeCloseTo(Math.log(shares[targets[row]!]!), 5);
    }
  });
});

describe("the policy graph of a decoder", () => {
  async function prepare() {
    const folder = await tinyCheckpoint();
    const config = await readConfig(folder);
    const checkpoint = await openCheckpoint(folder, config);
    const sessions = new Sessions(checkpoint, { device: "cpu", threads: 1, parameters: 0 });
    onTestFinished(() => sessions.release());
    const set = newLora(config, { rank: 3, alpha: 6, seed: 2 });
    const random = new Random(8);
    for (const { data } of set.tensors.values()) for (let i = 0; i < data.length; i++) data[i]! += random.next() - 0.5;
    return { config, sessions, parameters: feedsOf(set) };
  }

  const groups: ScoreGroup[] = [
    { promptIds: randomIds(9, 1), responses: [randomIds(5, 2), randomIds(2, 3)] },
    { promptIds: randomIds(4, 4), responses: [randomIds(1, 5), randomIds(7, 6)] },
  ];

  it("gives the same loss and gradients whatever fills the padding", async () => {
    const { config, sessions, parameters } = await prepare();
    const session = await sessions.update("likelihood", "lora");
    const run = (padId: number) => {
      const { feeds, width } = groupFeeds(groups, { ...config, padId });
      const weights = tokenTensor(
        groups.map(({ responses }) => responses.map((ids) => ids.map(() => 0.1))),
        width,
      );
      return session.run({ ...feeds, weights, ...parameters });
    };
    const [zeros, others] = [await run(0), await run(31)];
    const names = Object.keys(zeros).filter((name) => name === "loss" || name.startsWith(GRADIENT_PREFIX));
    expect(names).toHaveLength(1 + 7 * 2);
    for (const name of names) expect(others[name]!.data, name).toEqual(zeros[name]!.data);
  });

  it("never lets a token see what follows it", async () => {
    const { config, sessions, parameters } = await prepare();
    const session = await sessions.get("scores", "lora");
    const score = async (last: number) => {
      const responses = [[...randomIds(6, 9), last, 5]];
      return (await scoreBatch(session, [{ promptIds: randomIds(5, 1), responses }], config, parameters))[0]![0]!;
    };
    const [one, other] = [await score(7), await score(40)];
    expect(other.slice(0, 6)).toEqual(one.slice(0, 6));
    expect(other[7]).not.toBe(one[7]);
  });
});
