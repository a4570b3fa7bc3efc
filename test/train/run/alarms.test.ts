import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FileError } from "../../../src/errors.js";
import type { AlarmKind } from "../../../src/train/run/alarm.js";
import { type AlarmThresholds, alarmDefaults, alarmLine, alarmsOf } from "../../../src/train/run/alarms.js";
import type { StepMetrics } from "../../../src/train/run/metrics.js";
import { StepHistory } from "../../../src/train/run/step-history.js";
import { stepRecord } from "../../../src/train/run/step-record.js";
import { metricsOf } from "../metrics-of.js";

type Change = Partial<StepMetrics>;

/** Steps from 1 on, each quiet but for its change. */
const run = (changes: readonly Change[]) => changes.map((change, i) => stepRecord(i + 1, metricsOf(change)));
const quiet = (count: number): Change[] => Array.from({ length: count }, () => ({}));
const same = (count: number, change: Change): Change[] => Array.from({ length: count }, () => change);

/** Step and kind of each alarm of a run. */
function alarms(changes: readonly Change[], thresholds: Partial<AlarmThresholds> = {}): [number, AlarmKind][] {
  const steps = run(changes);
  return steps.flatMap((_, i) =>
    alarmsOf(steps.slice(0, i + 1), thresholds).map(({ kind }): [number, AlarmKind] => [i + 1, kind]),
  );
}

const seenAt = (changes: readonly Change[]): string[] => alarmsOf(run(changes)).map(alarmLine);

describe("alarms", () => {
  it("are silent while nothing is wrong", () => {
    expect(alarms(quiet(30))).toEqual([]);
    expect(alarmsOf([])).toEqual([]);
  });

  it("say what collapsed, over which steps, and which settings to look at", () => {
    const collapse = [...quiet(5), ...same(5, { entropy: 0.09 })];
    expect(alarms(collapse)).toEqual([[10, "entropy-collapse"]]);
    expect(seenAt(collapse)).toEqual([
      "alarm: entropy-collapse: entropy 0.09 nats per token over steps 6 to 10, less than 10 % of the 1 over steps 1 to 5; " +
        "look at optimizer.learningRate (--learning-rate), clipHigh (--clip-high), klCoefficient (--kl)",
    ]);
    expect(alarms([...quiet(5), ...same(20, { entropy: 0.11 })])).toEqual([]);
  });

  it("tell of groups without variance once most of them are, over a whole window", () => {
    expect(alarms(same(5, { droppedGroups: 8 }))).toEqual([[5, "equal-groups"]]);
    expect(seenAt(same(5, { droppedGroups: 8 }))[0]).toMatch(/: 40 of 40 groups had equal rewards over steps 1 to 5;/);
    expect(alarms(same(20, { droppedGroups: 7 }))).toEqual([]);
    expect(alarms(same(4, { droppedGroups: 8 }))).toEqual([]);
  });

  it("tell of a reward that is mostly for form", () => {
    const format = same(5, { reward: 0.15, formatReward: 0.1 });
    expect(alarms(format)).toEqual([[5, "format-reward"]]);
    expect(seenAt(format)[0]).toMatch(/66.7 % of the reward was for form over steps 1 to 5 \(0.1 beside 0.05/);
    expect(alarms(same(9, { reward: 0.2, formatReward: 0.1 }))).toEqual([]);
    // Nothing is earned at all: nothing swamps anything.
    expect(alarms(same(9, { reward: 0, formatReward: 0 }))).toEqual([]);
    // A punishment for length that exceeds what the answers earned makes no share above one.
    expect(seenAt(same(5, { reward: -0.5, formatReward: 0.1 }))[0]).toMatch(/100 % of the reward/);
  });

  it("tell of an exploding ratio at once", () => {
    expect(alarms([{ maxRatio: 9.9 }, { maxRatio: 11 }])).toEqual([[2, "exploding-ratio"]]);
  });

  it("tell of a gradient that is many times the usual one, and let a noisy one pass", () => {
    expect(alarms([...quiet(5), { gradientNorm: 11 }])).toEqual([[6, "exploding-gradient"]]);
    expect(seenAt([...quiet(5), { gradientNorm: 11 }])[0]).toMatch(/gradient norm 11 at step 6, 11 times the median 1/);
    expect(alarms([...quiet(5), { gradientNorm: 9 }])).toEqual([]);
    expect(alarms([...same(5, { gradientNorm: 0.04 }), { gradientNorm: 0.9 }])).toEqual([]);
    // Steps without an update have a norm of 0, which is nothing to compare with.
    expect(alarms([...same(20, { gradientNorm: 0 }), {}])).toEqual([]);
  });

  it("tell of what can be read less and less, also after it had been learned", () => {
    const forgotten = [...same(5, { unparsable: 0.5 }), ...quiet(5), ...same(5, { unparsable: 0.2 })];
    expect(alarms(forgotten)).toEqual([[15, "growing-unparsable"]]);
    expect(seenAt(forgotten)[0]).toMatch(/20 % .* over steps 11 to 15, up from 0 % over steps 6 to 10;/);
    expect(alarms(same(20, { unparsable: 0.5 }))).toEqual([]);
  });

  it("tell of any number that is none", () => {
    expect(seenAt([{}, { reward: Number.NaN, kl: Number.POSITIVE_INFINITY }])[0]).toMatch(
      /not-a-number: reward NaN, kl Infinity at step 2/,
    );
  });

  it("sound once while what they tell of goes on, and again when it comes back", () => {
    const dead = same(6, { droppedGroups: 8 });
    expect(alarms([...dead, ...quiet(5), ...dead])).toEqual([
      [5, "equal-groups"],
      [16, "equal-groups"],
    ]);
  });

  it("follow their thresholds", () => {
    expect(alarms([{ maxRatio: 3 }], { ratio: 2 })).toEqual([[1, "exploding-ratio"]]);
    expect(alarms(same(3, { droppedGroups: 8 }), { window: 2 })).toEqual([[2, "equal-groups"]]);
    expect(alarms(same(5, { droppedGroups: 8 }), { equalGroups: 1.1 })).toEqual([]);
    expect(alarmDefaults.window).toBeGreaterThan(1);
  });
});

describe("a run's history", () => {
  const noisy = fc.array(
    fc.record({
      entropy: fc.double({ min: 0, max: 1, noNaN: true }),
      gradientNorm: fc.double({ min: 0, max: 40, noNaN: true }),
      droppedGroups: fc.integer({ min: 0, max: 8 }),
      unparsable: fc.constantFrom(0, 0.5),
    }),
    { minLength: 2, maxLength: 30 },
  );
  const play = (history: StepHistory, changes: readonly Change[], from: number) =>
    changes.map((change, i) => JSON.stringify({ step: from + i + 1, ...history.add(from + i + 1, metricsOf(change)) }));

  it("read again from its metrics raises the alarms that it would have raised without a stop", () => {
    fc.assert(
      fc.property(noisy, fc.nat(), (changes, cut) => {
        const whole = play(new StepHistory(), changes, 0);
        const at = cut % changes.length;
        const resumed = new StepHistory({}, whole.slice(0, at).join("\n"));
        expect(play(resumed, changes.slice(at), at)).toEqual(whole.slice(at));
      }),
    );
  });

  it("adds up what was sampled, and what of it taught nothing", () => {
    const history = new StepHistory();
    history.add(1, metricsOf({ truncatedResponses: 3, unparsableResponses: 2, skippedCalls: 1 }));
    history.add(2, metricsOf({ truncatedResponses: 1, droppedGroups: 4 }));
    expect(history.summary({ skipped: { "no linked question": 7 } })).toEqual({
      steps: 2,
      groups: 16,
      droppedGroups: 5,
      responses: 128,
      truncatedResponses: 4,
      unparsableResponses: 2,
      skippedCalls: 1,
      skipped: { "no linked question": 7 },
    });
  });

  it("names the line of a metrics file that it cannot read", () => {
    const line = JSON.stringify(stepRecord(1, metricsOf()));
    expect(() => new StepHistory({}, `${line}\n{"step":2`, "m.jsonl")).toThrow(/m\.jsonl:2: the line is not JSON/);
    expect(() => new StepHistory({}, `${line}\n{"step":2}\n`, "m.jsonl")).toThrow(FileError);
  });
});
