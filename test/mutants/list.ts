/** A bug to plant: one text of one file, and the test file that must notice. */
export interface Mutant {
  readonly name: string;
  /** Path from the repository's root. */
  readonly file: string;
  /** Occurs in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The quickest test file that catches it. */
  readonly test: string;
  /** Regular expression of the titles to run, where the whole file takes long. */
  readonly only?: string;
}

const advantage = "src/train/algorithm/advantage.ts";
const gae = "src/train/algorithm/gae.ts";
const adamw = "src/model/engine/adamw.ts";
const kl = "src/train/algorithm/kl.ts";
const policyGraph = "src/model/graph/policy-graph.ts";
const importance = "src/train/algorithm/importance.ts";
const policyStepTest = "test/train/policy-step.test.ts";
const policyGraphTest = "test/model/graph/policy-graph.test.ts";

export const mutants: readonly Mutant[] = [
  {
    name: "group advantage with its sign flipped",
    file: advantage,
    find: "(reward) => reward - mean)",
    replace: "(reward) => mean - reward)",
    test: "test/train/algorithm/advantage.test.ts",
  },
  {
    name: "leave-one-out compares with the mean of the whole group",
    file: advantage,
    find: "(deviation * count) / (count - 1)",
    replace: "deviation",
    test: "test/train/algorithm/advantage.test.ts",
  },
  {
    name: "biased deviation in a group",
    file: advantage,
    find: "deviation * deviation, 0) / (count - 1)",
    replace: "deviation * deviation, 0) / count",
    test: "test/train/algorithm/advantage.test.ts",
  },
  {
    name: "GAE takes the value of the same token as the next one",
    file: gae,
    find: "values[t + 1] ?? 0",
    replace: "values[t] ?? 0",
    test: "test/train/algorithm/gae.test.ts",
  },
  {
    name: "GAE goes on after the last token with its value",
    file: gae,
    find: "values[t + 1] ?? 0",
    replace: "values[t + 1] ?? values[t]!",
    test: "test/train/algorithm/gae.test.ts",
  },
  {
    name: "GAE without lambda",
    file: gae,
    find: "gamma * lambda * later",
    replace: "gamma * later",
    test: "test/train/algorithm/gae.test.ts",
  },
  {
    name: "returns without the values",
    file: gae,
    find: "(advantage, t) => advantage + values[t]!",
    replace: "(advantage) => advantage",
    test: "test/train/algorithm/gae.test.ts",
  },
  {
    name: "whitening counts padding",
    file: gae,
    find: "moments(rows.flat())",
    replace:
      "moments(rows.flatMap((row) => Array.from({ length: Math.max(...rows.map((one) => one.length)) }, (_, t) => row[t] ?? 0)))",
    test: "test/train/algorithm/gae.test.ts",
  },
  {
    name: "whitening within each response",
    file: "src/train/tasks/lessons.ts",
    find: "whitening ? whiten(all) : all",
    replace: "whitening ? all.flatMap((row) => whiten([row])) : all",
    test: policyStepTest,
  },
  {
    name: "KL in the wrong direction in the reward",
    file: kl,
    find: "k1: (logprob, reference) => logprob - reference,",
    replace: "k1: (logprob, reference) => reference - logprob,",
    test: "test/train/algorithm/kl.test.ts",
  },
  {
    name: "KL in the wrong direction in the loss",
    file: policyGraph,
    find: "o.sub(p.referenceLogprobs, logprobs)",
    replace: "o.sub(logprobs, p.referenceLogprobs)",
    test: policyGraphTest,
  },
  {
    name: "KL coefficient steered away from its target",
    file: kl,
    find: "(1 + GAIN * error)",
    replace: "(1 - GAIN * error)",
    test: "test/train/algorithm/kl.test.ts",
  },
  {
    name: "KL penalty rewarded",
    file: "src/train/algorithm/token-rewards.ts",
    find: "outcome : 0) - penalty",
    replace: "outcome : 0) + penalty",
    test: "test/train/algorithm/kl.test.ts",
  },
  {
    name: "policy loss without a clip",
    file: policyGraph,
    find: "o.min(o.mul(ratio, p.advantages), o.mul(clipped, p.advantages))",
    replace: "o.mul(ratio, p.advantages)",
    test: policyGraphTest,
  },
  {
    name: "clip that takes the better of both sides",
    file: policyGraph,
    find: "o.min(o.mul(ratio, p.advantages), o.mul(clipped, p.advantages))",
    replace: "o.max(o.mul(ratio, p.advantages), o.mul(clipped, p.advantages))",
    test: policyGraphTest,
  },
  {
    name: "upper clip with the lower bound",
    file: policyGraph,
    find: "o.add(p.clipHigh, 1)",
    replace: "o.add(p.clipLow, 1)",
    test: policyGraphTest,
  },
  {
    name: "policy loss that punishes what was good",
    file: policyGraph,
    find: "o.sub(o.mul(p.klCoefficient, penalty), surrogate)",
    replace: "o.add(o.mul(p.klCoefficient, penalty), surrogate)",
    test: policyGraphTest,
  },
  {
    name: "prompt mask lets one padding token through",
    file: policyGraph,
    find: 'o.less(o.reshape(promptPositions, [1, 1, 1, "P"])',
    replace: 'o.lessOrEqual(o.reshape(promptPositions, [1, 1, 1, "P"])',
    test: policyGraphTest,
  },
  {
    name: "causal mask shows the next token",
    file: "src/model/graph/attention-masks.ts",
    find: "o.lessOrEqual(c, r)",
    replace: "o.lessOrEqual(c, o.add(r, 1))",
    test: policyGraphTest,
  },
  {
    name: "log-probabilities of the next token in the place of the token's own",
    file: "src/model/engine/scoring.ts",
    find: "target_ids: matrix(width)",
    replace:
      "target_ids: { ...idMatrix(responses.map((ids) => ids.slice(1)), width, padId), shape: [groups.length, size, width] }",
    test: "test/train/grpo.test.ts",
    only: "begins at ratio 1",
  },
  {
    name: "value loss without a clip",
    file: "src/model/graph/value-graph.ts",
    find: "o.max(square(o.sub(values, returns)), square(o.sub(clipped, returns)))",
    replace: "square(o.sub(values, returns))",
    test: "test/model/graph/policy-forms.test.ts",
    only: "value loss",
  },
  {
    name: "ratios to stale log-probabilities",
    file: "src/train/scores.ts",
    find: "old: scored ?? sample.logprobs",
    replace: "old: sample.logprobs",
    test: policyStepTest,
  },
  {
    name: "importance truncated from below",
    file: importance,
    find: "Math.min(",
    replace: "Math.max(",
    test: "test/train/algorithm/importance.test.ts",
  },
  {
    name: "importance ratio upside down",
    file: importance,
    find: "logprob - recorded[t]!",
    replace: "recorded[t]! - logprob",
    test: "test/train/algorithm/importance.test.ts",
  },
  {
    name: "Adam without bias correction",
    file: adamw,
    find: "(learningRate * rootCorrection) / (1 - beta1 ** step)",
    replace: "learningRate * rootCorrection",
    test: "test/model/engine/optimizer.test.ts",
  },
  {
    name: "weight decay coupled to the gradient",
    file: adamw,
    find: "const g = gradient[i]!;",
    replace: "const g = gradient[i]! + ((1 - decay) / stepSize) * values[i]!;",
    test: "test/model/engine/optimizer.test.ts",
  },
  {
    name: "small gradients scaled up to the clip",
    file: adamw,
    find: "Math.min(1, maxGradientNorm / (norm + 1e-6))",
    replace: "Math.min(1e6, maxGradientNorm / (norm + 1e-6))",
    test: "test/model/engine/optimizer.test.ts",
  },
  {
    name: "Dr. GRPO's constant counted once instead of per response",
    file: "src/train/algorithm/aggregation.ts",
    find: "1 / (lengths.length * maxResponseLength",
    replace: "1 / (maxResponseLength",
    test: "test/train/algorithm/aggregation.test.ts",
  },
  {
    name: "many calls weigh more than few",
    file: "src/train/training-groups.ts",
    find: "{ ...options, calls }",
    replace: "options",
    test: policyStepTest,
  },
  {
    name: "micro-batches overwrite each other's gradients",
    file: "src/model/engine/language-model.ts",
    find: "sum[i]! += part[i]!",
    replace: "sum[i] = part[i]!",
    test: "test/train/accumulation.test.ts",
  },
  {
    name: "broadcast axes of size 1 that are not summed",
    file: "src/onnx/gradient.ts",
    find: "(shape[axis - extra] === 1 && dim !== 1)",
    replace: "false",
    test: "test/numeric/gradients.test.ts",
    only: "gradient rules Add",
  },
  {
    name: "gradient of a subtrahend with the minuend's sign",
    file: "src/onnx/gradient.ts",
    find: "sumTo(o.neg(g), b!.shape)",
    replace: "sumTo(g, b!.shape)",
    test: "test/numeric/gradients.test.ts",
    only: "gradient rules Sub",
  },
  {
    name: "LoRA scale forgotten",
    file: "src/model/graph/lora-inputs.ts",
    find: "each(o.mul(b, scale))",
    replace: "each(b)",
    test: "test/model/graph/lora-inputs.test.ts",
    only: "alpha / rank",
  },
  {
    name: "rotation the other way round",
    file: "src/model/graph/rope.ts",
    find: "table(Math.sin)",
    replace: "table((angle) => -Math.sin(angle))",
    test: "test/model/graph/rope.test.ts",
  },
  {
    name: "question linked to the first of its evidence",
    file: "src/train/tasks/links.ts",
    find: "Math.max(...(places",
    replace: "Math.min(...(places",
    test: "test/train/tasks/links.test.ts",
  },
  {
    name: "cut responses not punished",
    file: "src/train/algorithm/overlong.ts",
    find: "if (truncated) return -1;",
    replace: "if (truncated) return 0;",
    test: "test/train/algorithm/overlong.test.ts",
  },
];
