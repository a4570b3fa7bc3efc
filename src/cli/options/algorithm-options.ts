import { type Command, Option } from "commander";
import { UsageError } from "../../errors.js";
import { type PolicyOptions, policyOptionsSchema } from "../../train/algorithm/policy-options.js";
import { type AlgorithmName, algorithmNames, presets } from "../../train/presets/index.js";
import { nonNegative, positive, wholeNumber } from "./options.js";

/** What a user may change of an algorithm; what is absent is the preset's. */
export interface AlgorithmOptions {
  readonly algorithm: AlgorithmName;
  readonly learningRate?: number;
  readonly criticLearningRate?: number;
  readonly kl?: number;
  readonly klTarget?: number;
  readonly clipLow?: number;
  readonly clipHigh?: number;
  readonly importanceCap?: number;
  readonly overlong?: PolicyOptions["overlong"]["kind"];
  readonly extraBatches?: number;
  readonly epochs?: number;
  readonly minibatches?: number;
  readonly formatWeight?: number;
}

export function addAlgorithmOptions(command: Command): Command {
  return command
    .addOption(new Option("--algorithm <name>", "how to learn").choices([...algorithmNames]).default("grpo"))
    .option(
      "--learning-rate <x>",
      "of AdamW (this and what follows is by default as the algorithm has it)",
      nonNegative,
    )
    .option("--critic-learning-rate <x>", "ppo: of the critic (default: ten times the policy's)", nonNegative)
    .option("--kl <x>", "weight of the KL to the base model", nonNegative)
    .option("--kl-target <nats>", "steer that weight to this KL per response", nonNegative)
    .option("--clip-low <x>", "how far below 1 a ratio of probabilities counts", nonNegative)
    .option("--clip-high <x>", "how far above 1 it counts", nonNegative)
    .option("--importance-cap <x>", "correct for the sampler's rounding, with weights of at most this", nonNegative)
    .addOption(
      new Option("--overlong <how>", "responses that reach the length limit").choices(["keep", "filter", "punish"]),
    )
    .option(
      "--extra-batches <n>",
      "batches at most, beyond the first, in place of groups without variance",
      wholeNumber,
    )
    .option("--epochs <n>", "passes over each step's attempts", positive)
    .option("--minibatches <n>", "optimizer steps of a pass", positive)
    .option("--format-weight <x>", "share of the reward for text that can be read", nonNegative);
}

/** The preset with the user's changes. @throws UsageError where they do not fit it. */
export function algorithmOf(options: AlgorithmOptions): PolicyOptions {
  const preset = presets[options.algorithm];
  const { kl, clipLow, clipHigh, importanceCap, extraBatches, epochs, minibatches, formatWeight, klTarget } = options;
  if (options.criticLearningRate !== undefined && preset.critic === null) {
    throw new UsageError({
      what: `${options.algorithm} has no critic`,
      where: "--critic-learning-rate",
      remedy: "leave it out, or use --algorithm ppo",
    });
  }
  const changes = {
    klCoefficient: kl,
    klTarget,
    clipLow,
    clipHigh,
    importanceCap,
    overlong: options.overlong === undefined ? undefined : overlong(options.overlong),
    extraBatches,
    epochs,
    minibatches,
    formatWeight,
  };
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const wanted = { ...preset, ...given, ...rates(preset, options) };
  const checked = policyOptionsSchema.safeParse(wanted);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw new UsageError({
    what: `the settings of ${options.algorithm} do not fit together`,
    where: issue!.path.join("."),
    expected: issue!.message,
    remedy: "change that option, or leave it out",
  });
}

/** A critic learns as much faster than the policy as in its preset. */
function rates(preset: PolicyOptions, { learningRate, criticLearningRate }: AlgorithmOptions) {
  const policy = learningRate ?? preset.optimizer.learningRate;
  const optimizer = { ...preset.optimizer, learningRate: policy };
  if (preset.critic === null) return { optimizer };
  const faster = preset.critic.optimizer.learningRate / preset.optimizer.learningRate;
  const rate = criticLearningRate ?? policy * faster;
  return { optimizer, critic: { ...preset.critic, optimizer: { ...preset.critic.optimizer, learningRate: rate } } };
}

const overlong = (kind: PolicyOptions["overlong"]["kind"]): PolicyOptions["overlong"] =>
  kind === "punish" ? { kind, share: 0.2 } : { kind };
