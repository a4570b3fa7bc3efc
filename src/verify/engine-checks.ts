import { join } from "node:path";
import type { PolicyEngine } from "../model/engine/engine.js";
import { openEngine } from "../model/engine/open-engine.js";
import { aggregations, tokenWeights } from "../train/algorithm/aggregation.js";
import { type Check, compare } from "./check.js";
import { differing, largestDifference } from "./difference.js";
import { ExpectedNumbers } from "./expected-numbers.js";
import type { ReferenceOptions } from "./reference.js";

/** The same numbers by way of the engine's thread, as the chat model and the trainer get them. @throws FileError. */
export async function* checkEngine(
  folder: string,
  { device, precision = "float32", bounds }: ReferenceOptions,
): AsyncGenerator<Check> {
  const expected = await ExpectedNumbers.read(folder);
  const engine = await openEngine({ folder, device, precision });
  try {
    await engine.loadAdapter("adapter", join(folder, "adapter"));
    const { prompt, responses } = expected.tokens();
    const greedy = expected.integers("greedy");
    const request = { promptIds: prompt, maxNewTokens: greedy.length, temperature: 0, seed: 0 };
    const [[generation] = []] = await engine.generate([request], { stopIds: [] });
    yield compare(folder, "engine: greedy tokens that differ", differing(generation!.ids, greedy), bounds.greedy);
    for (const [name, adapter] of [["reference"], ["lora", "adapter"]] as const) {
      const [scores] = await engine.logprobs([{ promptIds: prompt, responses }], adapter);
      const error = largestDifference(scores!.logprobs.flat(), expected.perToken(`${name}_logprobs`).flat());
      const label = adapter === undefined ? "base" : "with adapter";
      yield compare(folder, `engine: log-probabilities, ${label}`, error, bounds.logprobs);
    }
    for (const aggregation of aggregations) {
      const error = Math.abs(
        (await updateLoss(engine, expected, aggregation)) - expected.settings.grpo[aggregation].loss,
      );
      yield compare(folder, `engine: GRPO ${aggregation}: loss`, error, bounds.loss);
    }
  } finally {
    await engine.close();
  }
}

/** Loss of an update of a copy of the adapter. */
async function updateLoss(
  engine: PolicyEngine,
  expected: ExpectedNumbers,
  aggregation: (typeof aggregations)[number],
): Promise<number> {
  const { prompt, responses, lengths } = expected.tokens();
  const settings = expected.settings.grpo[aggregation];
  const advantages = expected.floats("group_advantages");
  const copy = `copy for ${aggregation}`;
  await engine.copyAdapter("adapter", copy);
  const { loss } = await engine.update(copy, {
    objective: "policy",
    groups: [
      {
        promptIds: prompt,
        responses,
        weights: tokenWeights(lengths, aggregation, { maxResponseLength: settings.max_response_length }),
        advantages: responses.map((ids, row) => ids.map(() => advantages[row]!)),
        oldLogprobs: expected.perToken("old_logprobs"),
        referenceLogprobs: expected.perToken("reference_logprobs"),
      },
    ],
    clipLow: settings.clip_low,
    clipHigh: settings.clip_high,
    klCoefficient: settings.kl_coef,
    optimizer: {},
  });
  return loss;
}
