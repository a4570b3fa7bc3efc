import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { type AlgorithmOptions, addAlgorithmOptions, algorithmOf } from "../../../src/cli/options/algorithm-options.js";
import { UsageError } from "../../../src/errors.js";
import { algorithmNames, presets } from "../../../src/train/presets/index.js";

/** The algorithm that a command line asks for. */
const asked = (...args: readonly string[]) => {
  const command = addAlgorithmOptions(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  return algorithmOf(command.parse(args, { from: "user" }).opts<AlgorithmOptions>());
};

describe("the algorithm of a command line", () => {
  it("is GRPO by default, and each preset by its name", () => {
    expect(asked()).toEqual(presets.grpo);
    for (const name of algorithmNames) expect(asked("--algorithm", name)).toEqual(presets[name]);
    expect(() => asked("--algorithm", "a2c")).toThrow(/Allowed choices are grpo/);
  });

  it("differs from the preset in what was given, and in nothing else", () => {
    const changed = asked("--algorithm", "dapo", "--clip-high", "0.4", "--extra-batches", "0", "--overlong", "filter");
    expect(changed).toEqual({ ...presets.dapo, clipHigh: 0.4, extraBatches: 0, overlong: { kind: "filter" } });
    const steered = asked("--kl", "0.05", "--kl-target", "3", "--importance-cap", "2", "--format-weight", "0");
    expect(steered).toEqual({ ...presets.grpo, klCoefficient: 0.05, klTarget: 3, importanceCap: 2, formatWeight: 0 });
  });

  it("lets the critic learn as much faster than the policy as in the preset, unless its own rate is given", () => {
    const { critic, optimizer } = asked("--algorithm", "ppo", "--learning-rate", "2e-3");
    expect(optimizer.learningRate).toBe(2e-3);
    expect(critic!.optimizer.learningRate).toBeCloseTo(2e-2, 9);
    const own = asked("--algorithm", "ppo", "--critic-learning-rate", "5e-4");
    expect(own.critic!.optimizer.learningRate).toBe(5e-4);
    expect(own.optimizer).toEqual(presets.ppo.optimizer);
  });

  it("is refused where its settings do not fit together", () => {
    expect(() => asked("--critic-learning-rate", "1e-3")).toThrow(UsageError);
    expect(() => asked("--algorithm", "ppo", "--extra-batches", "2")).toThrow(/extraBatches.*critic/);
    expect(() => asked("--format-weight", "1.5")).toThrow(/formatWeight/);
    expect(() => asked("--algorithm", "dapo", "--kl-target", "1")).toThrow(/klCoefficient/);
  });
});
