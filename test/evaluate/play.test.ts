import { InMemoryStore } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import type { Dialogue } from "../../src/evaluate/dialogue.js";
import { extractDialogueFacts } from "../../src/evaluate/extract-facts.js";
import { type PlayAgents, type PlayedDialogue, type PlayOptions, playDialogues } from "../../src/evaluate/play.js";
import type { PlayProgress } from "../../src/evaluate/progress.js";
import { MemoryBank } from "../../src/memory/bank/bank.js";
import { addOnly, type Decide, noop } from "../../src/memory/controls.js";
import { compactPrompts } from "../../src/memory/prompts/compact-prompts.js";
import { replayBanks } from "../../src/replay/replay.js";
import { type EpisodeEvent, episodeEventSchema } from "../../src/trace/episode.js";
import { EpisodeRecorder } from "../../src/trace/recorder.js";
import { lastText, ScriptedModel } from "../memory/scripted-model.js";
import { addingManager, knowingAnswerer, newStore, smallWorld } from "./played-world.js";

const prompts = compactPrompts;

async function playOne(dialogue: Dialogue, agents: PlayAgents, options: PlayOptions): Promise<PlayedDialogue> {
  const [played] = await playDialogues([dialogue], agents, options);
  return played!;
}

describe("playDialogues", () => {
  it("takes every turn in order and then every question, of each dialogue in a bank of its own", async () => {
    const dialogues = smallWorld();
    const agents = { manager: addOnly, answerer: knowingAnswerer(dialogues), prompts };
    const played = await playDialogues(dialogues, agents, { store: newStore() });
    for (const [at, { steps, answers, bankSize }] of played.entries()) {
      const { turns, questions } = dialogues[at]!;
      expect(steps.map(({ turn }) => turn.id)).toEqual(turns.map(({ id }) => id));
      expect(steps.map(({ facts }) => facts)).toEqual(turns.map(({ facts }) => facts));
      expect(answers.map(({ answer }) => answer)).toEqual(questions.map(({ gold }) => gold));
      expect(bankSize).toBe(turns.flatMap(({ facts }) => facts).length);
    }
  });

  it("plays the same whether dialogues run alone or together", async () => {
    const dialogues = smallWorld(3);
    const agents = { manager: addingManager(), answerer: knowingAnswerer(dialogues), prompts };
    const plain = (played: Awaited<ReturnType<typeof playDialogues>>) =>
      played.map(({ steps, answers, bankSize }) => ({
        operations: steps.map((step) => step.operations),
        answers: answers.map(({ answer, retrieved }) => [answer, retrieved.map(({ text }) => text)]),
        bankSize,
      }));
    const together = await playDialogues(dialogues, agents, { store: newStore() });
    const alone = await playDialogues(dialogues, agents, { store: newStore(), concurrency: 1 });
    expect(plain(together)).toEqual(plain(alone));
  });

  it("asks with the first turns only what those turns tell", async () => {
    const [dialogue] = smallWorld(1);
    const agents = { manager: addOnly, answerer: knowingAnswerer([dialogue!]), prompts };
    const { steps, answers } = await playOne(dialogue!, agents, { store: newStore(), turns: 6 });
    expect(steps).toHaveLength(6);
    const told = new Set(steps.map(({ turn }) => turn.id));
    const { answers: all } = await playOne(dialogue!, agents, { store: newStore() });
    expect(answers.length).toBeGreaterThan(0);
    expect(answers.length).toBeLessThan(all.length);
    for (const { question } of answers) expect(question.evidence?.every((id) => told.has(id))).toBe(true);
  });

  it("asks nothing that follows a turn which is not played, and does not count it as work", async () => {
    const [dialogue] = smallWorld(1);
    const [first, second] = dialogue!.turns;
    const ask = (id: string, after: string) => ({ id, text: `${id}?`, evidence: [first!.id], after });
    const questions = [ask("now", first!.id), ask("later", second!.id), ask("never", "D9:9")];
    const agents = { manager: addOnly, answerer: new ScriptedModel("Memories: m1\n**Answer:** x"), prompts };
    const asked = async (turns?: number) => {
      let last: PlayProgress | undefined;
      const { answers } = await playOne({ ...dialogue!, questions }, agents, {
        store: newStore(),
        ...(turns === undefined ? {} : { turns }),
        onProgress: (progress) => {
          last = progress;
        },
      });
      expect(last!.done).toBe(last!.total);
      return answers.map(({ question }) => question.id);
    };
    expect(await asked(1)).toEqual(["now"]);
    expect(await asked()).toEqual(["now", "later"]);
  });

  it("finds all evidence in a bank that keeps everything, and none in an empty one", async () => {
    const [dialogue] = smallWorld(1);
    const answerer = knowingAnswerer([dialogue!]);
    const kept = await playOne(dialogue!, { manager: addOnly, answerer, prompts }, { store: newStore() });
    expect(kept.answers.map(({ evidenceRecall }) => evidenceRecall)).toEqual(kept.answers.map(() => 1));
    const empty = await playOne(dialogue!, { manager: noop, answerer, prompts }, { store: newStore() });
    expect(empty.answers.map(({ evidenceRecall }) => evidenceRecall)).toEqual(empty.answers.map(() => 0));
  });

  it("records an episode that replays, with a reward of each name for each answer", async () => {
    const dialogues = smallWorld();
    const events: EpisodeEvent[] = [];
    const recorder = new EpisodeRecorder({
      write: (line) => events.push(episodeEventSchema.parse(JSON.parse(line))),
    });
    const agents = { manager: addingManager(), answerer: knowingAnswerer(dialogues), prompts };
    const played = await playDialogues(dialogues, agents, { store: newStore(), recorder });
    let decisions = 0;
    for await (const _ of replayBanks(events)) decisions++;
    const answers = played.flatMap((dialogue) => dialogue.answers);
    expect(decisions).toBe(played.flatMap(({ steps }) => steps).length + answers.length);
    const rewards = events.filter((event) => event.type === "reward");
    expect(rewards.map(({ of, name, value }) => [of, name, value]).sort()).toEqual(
      answers
        .flatMap(({ id }) => [
          [id, "exact-match", 1],
          [id, "f1", 1],
        ])
        .sort(),
    );
  });

  it("asks the extractor where the caller wants the model's facts, though turns have their own", async () => {
    const [dialogue] = smallWorld(1);
    const extractor = new ScriptedModel('{"facts":["a fact"]}');
    const agents = { extractor, manager: addOnly, answerer: knowingAnswerer([dialogue!]), prompts };
    const { steps } = await playOne(dialogue!, agents, { store: newStore(), facts: "model", turns: 3 });
    expect(steps.map(({ facts }) => facts)).toEqual([["a fact"], ["a fact"], ["a fact"]]);
    expect(extractor.asked).toHaveLength(3);
  });

  it("stops the other dialogues between two steps when one fails, and loses none of their changes", async () => {
    const dialogues = smallWorld(3);
    const store = newStore();
    const events: EpisodeEvent[] = [];
    const recorder = new EpisodeRecorder({
      write: (line) => events.push(episodeEventSchema.parse(JSON.parse(line))),
    });
    const doomed = dialogues[1]!.turns.findLast(({ facts }) => facts.length > 0)!.facts[0]!;
    const manager: Decide = (input) => {
      if (input.facts.includes(doomed)) throw new Error("the model broke");
      return addOnly(input);
    };
    const play = playDialogues(
      dialogues,
      { manager, answerer: knowingAnswerer(dialogues), prompts },
      { store, recorder },
    );
    await expect(play).rejects.toThrow("the model broke");
    const recorded = events.flatMap((event) => (event.type === "memory_step" ? event.changes : []));
    const kept = await Promise.all(
      dialogues.map(({ id }) => new MemoryBank({ store, namespace: ["dialogues", id] }).list()),
    );
    expect(
      kept
        .flat()
        .map(({ key }) => key)
        .sort(),
    ).toEqual(recorded.map(({ key }) => key).sort());
    expect(recorded.length).toBeGreaterThan(0);
  });

  it("begins no step after its signal has fired", async () => {
    const stop = new AbortController();
    const seen: number[] = [];
    const dialogues = smallWorld(1);
    const play = playDialogues(
      dialogues,
      { manager: addOnly, answerer: knowingAnswerer(dialogues), prompts },
      {
        store: new InMemoryStore(),
        signal: stop.signal,
        onProgress: ({ done }) => {
          seen.push(done);
          if (done === 2) stop.abort(new Error("enough"));
        },
      },
    );
    await expect(play).rejects.toThrow("enough");
    expect(seen).toEqual([0, 1, 2]);
  });
});

describe("extractDialogueFacts", () => {
  it("fills the first turns with what the extractor finds, and counts replies that it cannot read", async () => {
    const [dialogue] = smallWorld(1);
    const extractor = new ScriptedModel((messages) =>
      lastText(messages).includes(dialogue!.turns[1]!.text) ? "nothing" : '{"facts":["found"]}',
    );
    const { dialogues, asked, unparsable } = await extractDialogueFacts([dialogue!], extractor, { prompts, turns: 3 });
    expect([asked, unparsable]).toEqual([3, 1]);
    expect(dialogues[0]!.turns.slice(0, 4).map(({ facts }) => facts)).toEqual([
      ["found"],
      [],
      ["found"],
      dialogue!.turns[3]!.facts,
    ]);
  });
});
