import { describe, expect, it } from "vitest";
import { stepLine, stepPrinter, summaryLines } from "../../src/cli/step-line.js";
import type { StepMetrics } from "../../src/train/run/metrics.js";
import { metricsOf } from "../train/metrics-of.js";

const progress = (step: number, change: Partial<StepMetrics> = {}) => ({
  step,
  steps: 40,
  metrics: metricsOf(change),
  seconds: { rollout: 1, update: 1 },
});

describe("a step's line", () => {
  it("counts what taught nothing, by reason", () => {
    const counts = { droppedGroups: 3, unparsableResponses: 2, truncatedResponses: 1, skippedCalls: 4 };
    expect(stepLine("manager", progress(7, { ...counts, operations: { UPDATE: 1, ADD: 5 } }), 63.2)).toBe(
      "manager  7/40  reward 0.600 (answers 0.600)  KL 0.0100  entropy 1.000  equal groups 3/8  " +
        "unparsable 2 cut 1 of 64  prompts too long 4  ADD 5 UPDATE 1  64 s left",
    );
    expect(stepLine("manager", progress(7), 1)).not.toContain("too long");
  });

  it("tells the time left by what the steps took, from the first on", () => {
    const lines: string[] = [];
    const print = stepPrinter("manager", (line) => lines.push(line));
    for (const step of [11, 12]) print({ ...progress(step), seconds: { rollout: 6, update: 4 } });
    expect(lines.map((line) => /\d+ s left/.exec(line)![0])).toEqual(["290 s left", "280 s left"]);
  });

  it("is followed by the alarms of its step", () => {
    const lines: string[] = [];
    const print = stepPrinter("manager", (line) => lines.push(line));
    print(progress(1));
    print(progress(2, { alarms: [{ kind: "exploding-ratio", seen: "a ratio of 12", remedy: "look at epochs" }] }));
    expect(lines).toHaveLength(3);
    expect(lines[2]).toBe("alarm: exploding-ratio: a ratio of 12; look at epochs");
  });
});

describe("a run's summary", () => {
  const summary = {
    steps: 40,
    groups: 640,
    droppedGroups: 31,
    responses: 5120,
    truncatedResponses: 7,
    unparsableResponses: 90,
    skippedCalls: 2,
    skipped: { "no facts": 12, "no linked question": 40 },
  };

  it("says what was sampled, what of it taught nothing, and what was recorded for nothing", () => {
    const [first, second] = summaryLines("manager", summary);
    expect(first).toMatch(/40 steps, 640 groups \(31 dropped: equal rewards\), 5120 responses/);
    expect(first).toMatch(/7 cut at the length limit, 90 unparsable; 2 not sampled: prompt too long/);
    expect(second).toBe("manager: recorded but not learned from: no facts 12, no linked question 40");
    expect(summaryLines("manager", { ...summary, skipped: {} })).toHaveLength(1);
  });
});
