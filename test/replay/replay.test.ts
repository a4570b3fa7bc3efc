import { InMemoryStore } from "@langchain/langgraph";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FileError, UsageError } from "../../src/errors.js";
import { createAnswerAgent } from "../../src/memory/answer.js";
import { MemoryBank } from "../../src/memory/bank/bank.js";
import { createMemoryManager } from "../../src/memory/manager.js";
import { compactPrompts } from "../../src/memory/prompts/compact-prompts.js";
import { instructedPrompts } from "../../src/memory/prompts/instructed-prompts.js";
import { rebuildPrompt } from "../../src/replay/rebuild-prompt.js";
import { bankBefore, replayBanks } from "../../src/replay/replay.js";
import { type EpisodeEvent, episodeEventSchema, type ModelCall } from "../../src/trace/episode.js";
import { EpisodeRecorder } from "../../src/trace/recorder.js";
import type { ChatMessage } from "../../src/trace/render.js";
import { LetterEmbeddings } from "../memory/letter-embeddings.js";
import { operations, ScriptedModel } from "../memory/scripted-model.js";

const embeddings = new LetterEmbeddings();
const SPEAKERS = ["Ana", "Bo"];

interface PlannedTurn {
  readonly bank: string;
  readonly speaker: string;
  readonly facts: string[];
  readonly events: readonly { kind: "ADD" | "UPDATE" | "DELETE"; id: number; text: string }[];
  /** Whether a person then takes the turn back. */
  readonly undone: boolean;
}

/** Sentences, with a word before them because LangGraph's InMemoryStore fails on texts such as "constructor". */
const sentence = fc.string({ maxLength: 12 }).map((text) => `fact ${text}`);

const plan: fc.Arbitrary<PlannedTurn[]> = fc.array(
  fc.record({
    bank: fc.constantFrom("one", "two"),
    speaker: fc.constantFrom(...SPEAKERS),
    facts: fc.array(sentence, { maxLength: 3 }),
    events: fc.array(
      fc.record({
        kind: fc.constantFrom("ADD" as const, "UPDATE" as const, "DELETE" as const),
        id: fc.integer({ min: 1, max: 4 }),
        text: sentence,
      }),
      { maxLength: 4 },
    ),
    undone: fc.boolean(),
  }),
  { maxLength: 8 },
);

/** Runs the plan through the agents; gives the events, and the bank's contents before each decision. */
async function play(turns: readonly PlannedTurn[], words = false) {
  const store = new InMemoryStore({ index: { dims: 64, embeddings, fields: ["text"] } });
  const events: EpisodeEvent[] = [];
  const recorder = new EpisodeRecorder({ write: (line) => events.push(episodeEventSchema.parse(JSON.parse(line))) });
  const before: unknown[] = [];
  for (const [index, { bank, speaker, facts, events: asked, undone }] of turns.entries()) {
    const namespace = ["banks", bank];
    const list = () => new MemoryBank({ store, namespace }).list();
    const script = operations(...asked.map(({ kind, id, text }) => ({ event: kind, id: `m${id}`, text })));
    const options = {
      model: new ScriptedModel(script),
      store,
      namespace,
      prompts: compactPrompts,
      history: true,
      words,
    };
    before.push(await list());
    const turn = { id: `D1:${index}`, speaker, text: facts.join(" "), time: `${index} May 2023`, facts };
    await createMemoryManager(options)
      .compile()
      .invoke({ turn }, { callbacks: [recorder] });
    if (undone)
      await new MemoryBank({ store, namespace, history: true }).undo({ turn: turn.id }, { callbacks: [recorder] });
    before.push(await list());
    const answerer = new ScriptedModel("Memories: m1\n**Answer:** x");
    const question = { id: `q${index}`, text: "which fact?" };
    await createAnswerAgent({ ...options, answerer })
      .compile()
      .invoke({ question }, { callbacks: [recorder] });
  }
  return { events, before };
}

/** A stand-in for a tokenizer: the characters of the rendered messages. */
const encode = (messages: readonly ChatMessage[]) => [...JSON.stringify(messages)].map((char) => char.charCodeAt(0));

test("replay gives the bank as it stood before every decision, and every prompt again", async () => {
  await fc.assert(
    fc.asyncProperty(plan, fc.boolean(), async (turns, words) => {
      const { events, before } = await play(turns, words);
      const rebuilt: unknown[] = [];
      for await (const { decision, bank } of replayBanks(events, { embeddings })) {
        rebuilt.push(await bank.list());
        const alone = await bankBefore(events, decision.id, { embeddings });
        expect(await alone.bank.list()).toEqual(rebuilt.at(-1));
        if (decision.callId !== undefined) {
          const call = events.find((event): event is ModelCall => event.id === decision.callId)!;
          const promptIds = encode(call.messages);
          const withIds = events.map((event) => (event === call ? { ...call, promptIds } : event));
          const prompt = await rebuildPrompt(withIds, call.id, { prompts: compactPrompts, encode });
          expect(prompt.promptIds).toEqual(promptIds);
        }
      }
      expect(rebuilt).toEqual(before);
    }),
    { numRuns: 15 },
  );
});

const turnsOf = (...events: PlannedTurn["events"][]): PlannedTurn[] =>
  events.map((list) => ({ bank: "one", speaker: "Ana", facts: ["fact one"], events: list, undone: false }));

test("a recorder hears of an undo as of a graph run, and a replay that lacks it is refused", async () => {
  const [added, updated, nothing] = turnsOf(
    [{ kind: "ADD", id: 0, text: "fact one" }],
    [{ kind: "UPDATE", id: 1, text: "fact two" }],
    [],
  );
  const { events } = await play([added!, { ...updated!, undone: true }, nothing!]);
  const steps = events.filter((event) => event.type === "memory_step");
  const undo = events.find((event) => event.type === "undo")!;
  expect(undo).toMatchObject({
    namespace: ["banks", "one"],
    run: { runId: expect.any(String) },
    undoes: [`${steps[1]!.id}/0`],
    changes: [{ event: "UPDATE", before: { text: "fact two" }, after: { text: "fact one" } }],
  });
  expect(steps[2]!.retrieved[0]!.text).toBe("fact one");
  expect((await (await bankBefore(events, steps[2]!.id)).bank.list())[0]!.value.text).toBe("fact one");
  const without = events.filter((event) => event !== undo);
  await expect(bankBefore(without, steps[2]!.id)).rejects.toThrow(FileError);
});

test("the rebuilt store ranks as the recorded one did", async () => {
  const { events } = await play(
    turnsOf(
      [
        { kind: "ADD", id: 0, text: "fact zebra" },
        { kind: "ADD", id: 0, text: "fact one" },
      ],
      [],
    ),
  );
  const last = events.findLast((event) => event.type === "memory_step")!;
  const { bank, decision } = await bankBefore(events, last.id, { embeddings });
  const ranked = await bank.retrieve("fact one", { limit: 5 });
  expect(ranked.map(({ key }) => key)).toEqual(decision.retrieved.map(({ key }) => key));
});

test("an episode that lacks a step does not fit together, and says where", async () => {
  const { events } = await play(
    turnsOf([{ kind: "ADD", id: 0, text: "fact one" }], [{ kind: "UPDATE", id: 1, text: "fact two" }], []),
  );
  const steps = events.filter((event) => event.type === "memory_step");
  const broken = events.filter((event) => event !== steps[1]);
  await expect(bankBefore(broken, steps[2]!.id)).rejects.toThrow(FileError);
  const changed = events.map((event) => (event === steps[0] ? { ...steps[0]!, changes: [] } : event));
  await expect(bankBefore(changed, steps[2]!.id)).rejects.toThrow(/expected no memory, as the steps before it left it/);
});

test("a bank that held memories before its recording began is refused, though no step saw them", async () => {
  const plan = turnsOf([{ kind: "ADD", id: 0, text: "fact one" }], [{ kind: "ADD", id: 1, text: "fact two" }]);
  const { events } = await play(plan);
  const [first, second] = events.filter((event) => event.type === "memory_step");
  const late = events
    .filter((event) => event !== first)
    .map((event) => (event === second ? { ...second!, retrieved: [] } : event));
  await expect(bankBefore(late, second!.id)).rejects.toThrow(
    /not recorded from its beginning.*expected order 0.*found 1/,
  );
  const walk = async () => {
    for await (const _ of replayBanks(late));
  };
  await expect(walk()).rejects.toThrow(FileError);
});

test("a replay refuses a recorded memory whose words differ from those that were kept", async () => {
  const plan = turnsOf([{ kind: "ADD", id: 0, text: "fact two" }], [{ kind: "UPDATE", id: 1, text: "fact three" }]);
  const { events } = await play(plan, true);
  const [, step] = events.filter((event) => event.type === "memory_step");
  const { before, ...change } = step!.changes[0]!;
  expect(before).toMatchObject({ text: "fact two", said: "fact one" });
  const tampered = { ...step!, changes: [{ ...change, before: { ...before!, said: "never said" } }] };
  const walk = async () => {
    for await (const _ of replayBanks(events.map((event) => (event === step ? tampered : event))));
  };
  await expect(walk()).rejects.toThrow(/"said":"fact one".*found .*"said":"never said"/);
});

test("the prompt of an answer that drew on a shared namespace is rebuilt with those memories as recorded", async () => {
  const store = new InMemoryStore({ index: { dims: 64, embeddings, fields: ["text"] } });
  const events: EpisodeEvent[] = [];
  const recorder = new EpisodeRecorder({ write: (line) => events.push(episodeEventSchema.parse(JSON.parse(line))) });
  const team = ["team"];
  const turn = { id: "D1:1", speaker: "Ana", text: "…", time: "1 May 2023" };
  const shared = new MemoryBank({ store, namespace: team });
  await shared.apply([{ event: "ADD", text: "the office is in Oslo" }], [], turn);
  const common = { store, namespace: ["ana"], prompts: compactPrompts };
  const manager = new ScriptedModel(operations({ event: "ADD", text: "Ana likes the office" }));
  await createMemoryManager({ ...common, manager })
    .compile()
    .invoke({ turn: { ...turn, facts: ["Ana likes the office"] } }, { callbacks: [recorder] });
  const answerer = new ScriptedModel("Memories: m1\n**Answer:** Oslo");
  await createAnswerAgent({ ...common, shared: [team], answerer })
    .compile()
    .invoke({ question: { id: "q", text: "Where is the office?" } }, { callbacks: [recorder] });
  const answer = events.find((event) => event.type === "answer")!;
  expect(answer.retrieved.map(({ namespace }) => namespace)).toEqual(expect.arrayContaining([undefined, team]));
  const call = events.find((event): event is ModelCall => event.id === answer.callId)!;
  const { messages } = await rebuildPrompt(events, call.id, { prompts: compactPrompts });
  expect(messages).toEqual(call.messages);
  expect(messages.at(-1)!.content).toMatch(/the office is in Oslo/);
});

test("other prompts, other tokens, and unknown ids are refused", async () => {
  const { events } = await play(turnsOf([{ kind: "ADD", id: 0, text: "fact one" }]));
  const call = events.find((event) => event.type === "model_call")!;
  await expect(rebuildPrompt(events, call.id, { prompts: instructedPrompts })).rejects.toThrow(
    /message 0: the rebuilt prompt has other messages/,
  );
  await expect(rebuildPrompt(events, call.id, { prompts: compactPrompts, encode })).rejects.toThrow(UsageError);
  const wrong = events.map((event) => (event === call ? { ...call, promptIds: [1] } : event));
  await expect(rebuildPrompt(wrong, call.id, { prompts: compactPrompts, encode })).rejects.toThrow(
    /token 0: the rebuilt prompt has other token ids.*expected 1;/,
  );
  await expect(bankBefore(events, "nothing")).rejects.toThrow(UsageError);
  await expect(rebuildPrompt(events, "nothing", { prompts: compactPrompts })).rejects.toThrow(UsageError);
});
