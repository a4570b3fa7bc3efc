import { beforeAll, describe, expect, it } from "vitest";
import type { Dialogue } from "../../src/evaluate/dialogue.js";
import { playDialogues } from "../../src/evaluate/play.js";
import { compactPrompts } from "../../src/memory/prompts/compact-prompts.js";
import { ChatOnnx } from "../../src/model/chat/chat-onnx.js";
import { LexicalEmbeddings } from "../../src/store/search/lexical-embeddings.js";
import { type EpisodeEvent, episodeEventSchema } from "../../src/trace/episode.js";
import { EpisodeRecorder } from "../../src/trace/recorder.js";
import { experienceOf } from "../../src/train/experience.js";
import { grpo } from "../../src/train/presets/grpo.js";
import { ppo } from "../../src/train/presets/ppo.js";
import type { Rollout, RolloutGroup, Sample } from "../../src/train/rollout.js";
import { summarise } from "../../src/train/run/metrics.js";
import type { Scores } from "../../src/train/scores.js";
import { groupLessons, tokenLessons } from "../../src/train/tasks/lessons.js";
import { recordedDialogues } from "../../src/train/tasks/links.js";
import { managerDecisionTask } from "../../src/train/tasks/manager-decision-task.js";
import { operationSpans, tokenSpan } from "../../src/train/tasks/operation-spans.js";
import { newStore } from "../evaluate/played-world.js";
import { operations } from "../memory/scripted-model.js";
import { byteTokenizer } from "../model/fake-engine.js";
import { addFacts } from "./recorded-world.js";
import { ScriptedEngine } from "./scripted-engine.js";

/** One turn tells two things, and each is asked about. */
const told: Dialogue = {
  id: "two-facts",
  speakers: ["Ana", "Bo"],
  turns: [
    {
      id: "D1:1",
      speaker: "Ana",
      text: "…",
      time: "7 May 2023",
      session: 1,
      facts: ["Ana has a cat", "Ana lives in Rome"],
    },
  ],
  questions: [
    { id: "pet", text: "Which pet?", gold: "cat", evidence: ["D1:1"] },
    { id: "home", text: "Which home?", gold: "Rome", evidence: ["D1:1"] },
  ],
};
const golds = new Map(told.questions.map(({ text, gold = "" }) => [text, gold]));

function answer(prompt: string): string {
  const gold = golds.get(/Question: (.*)/.exec(prompt)![1]!)!;
  const shown = prompt.split("\n").filter((line) => / m\d+$/.test(line));
  // What a bank says twice confuses this answerer.
  return `**Answer:** ${shown.filter((line) => line.includes(gold)).length === 1 ? gold : "unknown"}`;
}

const cat = { event: "ADD", text: "Ana has a cat" };
const rome = { event: "ADD", text: "Ana lives in Rome" };
const weather = { event: "ADD", text: "It rains" };
const responses = [
  operations(cat, rome),
  operations(cat, weather),
  operations({ event: "NOOP" }, cat, cat),
  operations(rome),
  "nothing that can be read",
  operations(),
];

let events: EpisodeEvent[];
beforeAll(async () => {
  events = [];
  const recorder = new EpisodeRecorder({ write: (line) => events.push(episodeEventSchema.parse(JSON.parse(line))) });
  const engine = new ScriptedEngine(({ prompt }) =>
    prompt.startsWith("system: manage") ? addFacts(prompt) : answer(prompt),
  );
  const model = new ChatOnnx({ engine, tokenizer: byteTokenizer, maxNewTokens: 500 });
  await playDialogues(
    [told],
    { manager: model, answerer: model, prompts: compactPrompts },
    { store: newStore(), recorder },
  );
});

async function rollouts(credit?: number): Promise<RolloutGroup> {
  const engine = new ScriptedEngine(({ prompt, adapter, response }) =>
    adapter === undefined ? answer(prompt) : responses[response]!,
  );
  const policy = {
    engine,
    tokenizer: byteTokenizer,
    prompts: compactPrompts,
    embeddings: new LexicalEmbeddings(),
    maxNewTokens: 500,
  };
  const task = managerDecisionTask(recordedDialogues(events), {
    policy,
    adapter: "manager",
    reward: "exact-match",
    ...(credit === undefined ? {} : { creditWeight: credit }),
  });
  const [group] = await task.rollouts(task.items, { groupSize: responses.length, temperature: 1, seed: 1 });
  return group!;
}

const textOf = ({ samples: [sample] }: Rollout, { from, to }: { from: number; to: number }) =>
  byteTokenizer.decode(sample!.responseIds.slice(from, to));

/** Scores of a policy that has not moved from its reference, with a critic that expects nothing. */
function unchangedScores({ rollouts }: RolloutGroup): Map<Sample, Scores> {
  const samples = rollouts.flatMap(({ samples }) => samples);
  return new Map(
    samples.map((sample) => {
      const { logprobs } = sample;
      const values = logprobs.map(() => 0);
      return [sample, { old: logprobs, reference: logprobs, importance: undefined, values }];
    }),
  );
}

describe("credit of a response's operations", () => {
  it("adds the weighted mean of what each is worth beside the others", async () => {
    const { rollouts: all } = await rollouts(0.5);
    expect(all.map(({ outcome }) => outcome)).toEqual([1, 0.5, 0, 0.5, 0, 0]);
    // Both facts are worth an answer of two. Of cat and weather one is. The second cat takes the answer away that the first gives: each would
    // be worth it without the other. Nothing done is worth nothing.
    expect(all.map(({ credit }) => credit)).toEqual([0.25, 0.125, -0.25, 0.25, 0, 0]);
  });

  it("is placed on each operation's own tokens, as far as they differ from the mean", async () => {
    const { rollouts: all } = await rollouts(0.5);
    const [, second, third] = all;
    expect(second!.samples[0]!.credits!.map((span) => [textOf(second!, span), span.credit])).toEqual([
      [JSON.stringify(cat), 0.125],
      [JSON.stringify(weather), -0.125],
    ]);
    // A NOOP changes nothing, and is not credited.
    expect(third!.samples[0]!.credits!.map((span) => [textOf(third!, span), span.credit])).toEqual([
      [JSON.stringify(cat), 0],
      [JSON.stringify(cat), 0],
    ]);
    for (const at of [3, 4, 5]) expect(all[at]!.samples[0]!.credits).toBeUndefined();
  });

  it("is no part of rollouts that do not ask for it", async () => {
    const without = await rollouts();
    expect(await rollouts(0)).toEqual(without);
    for (const { credit, samples } of without.rollouts) {
      expect(credit).toBeUndefined();
      expect(samples[0]!.credits).toBeUndefined();
    }
    expect(summarise([without], grpo, 0)).not.toHaveProperty("creditReward");
  });

  it("counts in the reward, and is shown apart", async () => {
    const group = await rollouts(0.5);
    const plain = { ...grpo, formatWeight: 0 };
    const metrics = summarise([group], plain, 0);
    expect(metrics.creditReward).toBeCloseTo((0.25 + 0.125 - 0.25 + 0.25) / 6, 12);
    expect(metrics.reward).toBeCloseTo(2 / 6 + metrics.creditReward!, 12);
  });

  it("lifts the advantage of an operation's tokens above that of its response, in units of the group's spread", async () => {
    const group = await rollouts(0.5);
    const options = { ...grpo, formatWeight: 0, klCoefficient: 0, klPlace: "loss", advantage: "mean" } as const;
    const experience = experienceOf(group, options);
    const [item] = groupLessons([experience], unchangedScores(group), options);
    const lesson = item!.prompts.flat().find(({ rollout }) => rollout === group.rollouts[1])!;
    const [first, second] = lesson.sample.credits!;
    const [before, inFirst, inSecond] = [0, first!.from, second!.from].map((at) => lesson.advantages[at]!);
    expect(inFirst! - before!).toBeCloseTo(0.125, 12);
    expect(inSecond! - before!).toBeCloseTo(-0.125, 12);
    const [scaled] = groupLessons([experience], unchangedScores(group), { ...options, advantage: "mean-std" });
    const other = scaled!.prompts.flat().find(({ rollout }) => rollout === group.rollouts[1])!;
    // What was earned: by the operations of the first three, and by the other responses: 1.25 twice, 0.75, 0.5, -0.25 twice, 0.75, 0, 0.
    const earned = [1.25, 1.25, 0.75, 0.5, -0.25, -0.25, 0.75, 0, 0];
    const mean = earned.reduce((sum, value) => sum + value, 0) / earned.length;
    const spread = Math.sqrt(earned.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (earned.length - 1));
    expect(other.advantages[first!.from]! - other.advantages[0]!).toBeCloseTo(0.125 / spread, 5);
  });

  it("is earned by a critic's policy where the operation ends", async () => {
    const group = await rollouts(0.5);
    const options = { ...ppo, formatWeight: 0, klCoefficient: 0 };
    const experience = experienceOf(group, options);
    const critic = { ...ppo.critic!, gamma: 1, lambda: 1, whitening: false };
    const [item] = tokenLessons([experience], unchangedScores(group), options, critic);
    const { returns, sample } = item!.prompts.flat().find(({ rollout }) => rollout === group.rollouts[1])!;
    const [first, second] = sample.credits!;
    // Undiscounted: the whole reward, 0.5 + 0.125, until the first operation ends; then without its 0.125; then with the second one's −0.125 paid.
    expect(returns[0]).toBeCloseTo(0.625, 6);
    expect(returns[first!.to]).toBeCloseTo(0.5, 6);
    expect(returns[second!.to]).toBeCloseTo(0.625, 6);
  });
});

describe("the place of operations in a text", () => {
  it("is that of each object of the list, whatever its strings hold", () => {
    const text = 'So: {"operations": [{"event":"ADD","text":"a } ] \\" {"}, {"event":"NOOP"}]} done';
    expect(operationSpans(text).map(({ from, to }) => text.slice(from, to))).toEqual([
      '{"event":"ADD","text":"a } ] \\" {"}',
      '{"event":"NOOP"}',
    ]);
    expect(operationSpans("nothing")).toEqual([]);
    const thought = '<think>{"operations":[{"a":1}]}</think>{"memory":[{"b":{"c":2}}]}';
    expect(operationSpans(thought).map(({ from, to }) => thought.slice(from, to))).toEqual(['{"b":{"c":2}}']);
  });

  it("is that of the tokens which spell it, also where a token spells several characters", () => {
    const words = ["{", '"op', 'erations":[', '{"a"', ":1}", ",{", '"b":2}]', "}"];
    const tokenizer = { decode: (ids: readonly number[]) => ids.map((id) => words[id]).join("") };
    const text = words.join("");
    const spans = operationSpans(text).map((span) => tokenSpan(tokenizer, [...words.keys()], span));
    expect(spans).toEqual([
      { from: 3, to: 5 },
      { from: 5, to: 7 },
    ]);
  });
});
