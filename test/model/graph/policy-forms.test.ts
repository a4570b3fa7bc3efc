import { describe, expect, it } from "vitest";
import { klEstimators, type PolicyForm, ratioLevels } from "../../../src/model/graph/policy-form.js";
import { groupInputs, policyInputs, policyLoss } from "../../../src/model/graph/policy-graph.js";
import { valueInputs, valueLoss } from "../../../src/model/graph/value-graph.js";
import { gradient } from "../../../src/onnx/gradient.js";
import { input, type Value } from "../../../src/onnx/value.js";
import { Random } from "../../../src/random.js";
import { runGraph, tensor } from "../../onnx/run-graph.js";

const clip = { low: 0.06, high: 0.1 };
const KL = 0.3;
/** Two responses of other lengths, padded to the longer. */
const lengths = [5, 3];
const WIDTH = 5;

interface Row {
  readonly logprobs: number[];
  readonly old: number[];
  readonly reference: number[];
  readonly advantages: number[];
  readonly weights: number[];
}

function rows(seed: number): Row[] {
  const random = new Random(seed);
  const near = (values: readonly number[], by: number) => values.map((value) => value + by * (random.next() - 0.5));
  return lengths.map((length, r) => {
    const logprobs = Array.from({ length }, () => -3 * random.next());
    return {
      logprobs,
      old: near(logprobs, 0.5),
      reference: near(logprobs, 1.5),
      // One advantage a response, as without a critic.
      advantages: logprobs.map(() => (r === 0 ? 1.3 : -0.8)),
      weights: logprobs.map(() => 1 / (2 * length)),
    };
  });
}

/** What the policy says of padding, which no response is made of. */
const PADDING = -200;

const padded = (pick: (row: Row) => readonly number[], all: readonly Row[], filler = 0) =>
  tensor(
    "float32",
    [1, 2, WIDTH],
    all.flatMap((row) => [...pick(row), ...new Array<number>(WIDTH - row.logprobs.length).fill(filler)]),
  );

async function graph(all: readonly Row[], form: PolicyForm) {
  const logprobs = input("logprobs", "float32", ["B", "G", "1+R"]);
  const inputs = policyInputs(form);
  const loss = policyLoss(logprobs, inputs, form);
  const feeds: [Value, ReturnType<typeof tensor>][] = [
    [logprobs, padded((row) => row.logprobs, all, PADDING)],
    [groupInputs().responseIds, tensor("int64", [1, 2, WIDTH - 1], new Array<number>(2 * WIDTH - 2).fill(0))],
    [inputs.weights, padded((row) => row.weights, all)],
    [inputs.advantages, padded((row) => row.advantages, all)],
    [inputs.oldLogprobs, padded((row) => row.old, all)],
    [inputs.referenceLogprobs, padded((row) => row.reference, all)],
    [inputs.clipLow, tensor("float32", [], [clip.low])],
    [inputs.clipHigh, tensor("float32", [], [clip.high])],
    [inputs.klCoefficient, tensor("float32", [], [KL])],
  ];
  if (inputs.sequenceShares !== undefined) {
    feeds.push([inputs.sequenceShares, padded((row) => row.logprobs.map(() => 1 / row.logprobs.length), all)]);
  }
  const results = await runGraph(feeds, { loss, gradient: gradient(loss, [logprobs])[0]! });
  return { loss: results.loss!.data[0]!, gradient: Array.from(results.gradient!.data) };
}

/** The paper's losses in float64; of a sequence GSPO's own form, whose gradient GSPO-token's has to equal. */
function direct(all: readonly Row[], { ratio, kl }: PolicyForm): number {
  let loss = 0;
  for (const { logprobs, old, reference, advantages, weights } of all) {
    const changes = logprobs.map((logprob, t) => logprob - old[t]!);
    const whole = changes.reduce((a, b) => a + b, 0) / changes.length;
    logprobs.forEach((logprob, t) => {
      const rho = Math.exp(ratio === "token" ? changes[t]! : whole);
      const clipped = Math.min(Math.max(rho, 1 - clip.low), 1 + clip.high);
      const d = reference[t]! - logprob;
      const penalty = { k1: -d, k2: d ** 2 / 2, k3: Math.exp(d) - d - 1 }[kl];
      loss += weights[t]! * (KL * penalty - Math.min(rho * advantages[t]!, clipped * advantages[t]!));
    });
  }
  return loss;
}

function centralDifferences(all: readonly Row[], form: PolicyForm): number[] {
  const step = 1e-6;
  return all.flatMap((row, r) =>
    Array.from({ length: WIDTH }, (_, t) => {
      if (t >= row.logprobs.length) return 0;
      const moved = (by: number) =>
        all.map((other, i) =>
          i === r ? { ...other, logprobs: other.logprobs.with(t, other.logprobs[t]! + by) } : other,
        );
      return (direct(moved(step), form) - direct(moved(-step), form)) / (2 * step);
    }),
  );
}

describe("the policy loss", () => {
  for (const ratio of ratioLevels) {
    for (const kl of klEstimators) {
      it(`with a ratio of the ${ratio} and ${kl} equals the paper's formula, and so does its gradient`, async () => {
        for (const seed of [1, 2, 3]) {
          const all = rows(seed);
          const found = await graph(all, { ratio, kl });
          expect(found.loss).toBeCloseTo(direct(all, { ratio, kl }), 5);
          const wanted = centralDifferences(all, { ratio, kl });
          found.gradient.forEach((value, i) => {
            expect(value).toBeCloseTo(wanted[i]!, 4);
          });
        }
      });
    }
  }

  it("of a sequence is clipped as a whole: where it is, no token of it has a gradient but the KL's", async () => {
    const [first, second] = rows(4);
    const raised = {
      ...first!,
      old: first!.logprobs.map((value, t) => value - (t === 0 ? 5 * 0.2 : 0)),
      reference: first!.logprobs,
    };
    const found = await graph([raised, second!], { ratio: "sequence", kl: "k3" });
    expect(found.gradient.slice(0, WIDTH).every((value) => Math.abs(value) < 1e-7)).toBe(true);
    const perToken = await graph([raised, second!], { ratio: "token", kl: "k3" });
    expect(perToken.gradient.slice(1, WIDTH).every((value) => Math.abs(value) > 0.01)).toBe(true);
  });
});

describe("the value loss", () => {
  const value = async (values: number[], old: number[], returns: number[]) => {
    const x = input("values", "float32", ["B", "G", "1+R"]);
    const inputs = valueInputs();
    const row = (data: number[]) => tensor("float32", [1, 1, data.length], data);
    const loss = valueLoss(x, inputs);
    const results = await runGraph(
      [
        [x, row(values)],
        [
          groupInputs().responseIds,
          tensor(
            "int64",
            [1, 1, values.length - 1],
            values.slice(1).map(() => 0),
          ),
        ],
        [inputs.weights, row(values.map(() => 1))],
        [inputs.returns, row(returns)],
        [inputs.oldValues, row(old)],
        [inputs.valueClip, tensor("float32", [], [0.2])],
      ],
      { loss, gradient: gradient(loss, [x])[0]! },
    );
    return { loss: results.loss!.data[0]!, gradient: Array.from(results.gradient!.data) };
  };

  it("is half the square of the error, near the old values", async () => {
    const { loss, gradient: slope } = await value([0.5, 1], [0.5, 1], [1, 0]);
    expect(loss).toBeCloseTo(0.5 * (0.25 + 1), 6);
    expect(slope).toEqual([-0.5, 1]);
  });

  it("gives no gradient to a value that went farther towards its return than the clip, and one to what went away from it", async () => {
    const { loss, gradient: slope } = await value([0.5, -0.5], [0, 0], [1, 1]);
    // The first counts as 0.2, the second as it is.
    expect(loss).toBeCloseTo(0.5 * (0.64 + 2.25), 6);
    expect(slope).toEqual([0, -1.5]);
  });
});
