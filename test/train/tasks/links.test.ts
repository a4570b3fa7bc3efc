import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Answer, EpisodeEvent } from "../../../src/trace/episode.js";
import { linkQuestions, recordedDialogues } from "../../../src/train/tasks/links.js";
import { recordWorld, world } from "../recorded-world.js";

let events: EpisodeEvent[];
beforeAll(async () => {
  events = await recordWorld();
});

/** Question ids by turn, of each conversation. */
const linked = (recorded: readonly EpisodeEvent[]) =>
  Object.fromEntries(
    recordedDialogues(recorded).map((dialogue) => [
      dialogue.namespace.at(-1),
      Object.fromEntries([...linkQuestions(dialogue)].map(([turn, list]) => [turn, list.map(({ id }) => id)])),
    ]),
  );

const withEvidence = (id: string, evidence: string[]) =>
  events.map((event) =>
    event.type === "answer" && event.question.id === id
      ? { ...event, question: { ...event.question, evidence } }
      : event,
  );

describe("recorded dialogues", () => {
  it("hold the events of one conversation only, however the file mixes them", () => {
    const mixed = events.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    for (const dialogue of recordedDialogues(mixed)) {
      const namespaces = dialogue.events.map((event) => "namespace" in event && event.namespace);
      expect(new Set(namespaces.map((namespace) => JSON.stringify(namespace))).size).toBe(1);
    }
  });

  it("keep a question that was asked twice once, and leave out those without a gold answer", () => {
    const answers = events.filter((event) => event.type === "answer");
    const again = answers.map((event) => ({ ...event, id: `${event.id}-again` }));
    const unknown = answers.slice(0, 1).map((event) => {
      const { gold: _, ...question } = event.question;
      return { ...event, id: "unknown", question: { ...question, id: "unknown" } };
    });
    const questions = recordedDialogues([...events, ...again, ...unknown]).flatMap((dialogue) => dialogue.questions);
    expect(questions.map(({ id }) => id).sort()).toEqual(["cat", "home", "owls", "pets"]);
  });

  it("name the speakers in the order in which they spoke", () => {
    const speakers = recordedDialogues(events).map((dialogue) => dialogue.speakers);
    expect(speakers.sort()).toEqual([
      ["Ana", "Bo"],
      ["Cy", "Di"],
    ]);
  });
});

describe("questions", () => {
  it("are linked to the turn that completes their evidence, in their own conversation though turn ids are shared", () => {
    expect(linked(events)).toEqual({
      one: { "D1:1": ["cat"], "D1:3": ["home"], "D1:4": ["pets"] },
      two: { "D1:1": ["owls"] },
    });
  });

  it("are linked by the evidence that was said last, in whatever order it is listed", () => {
    expect(linked(withEvidence("pets", ["D1:4", "D1:1"])).one).toEqual(linked(events).one);
  });

  it("without evidence are linked by the memories that a right answer named, and by those of a wrong one to no turn", () => {
    const asked = (change: Partial<Answer>) =>
      withEvidence("owls", []).map((event) =>
        event.type === "answer" && event.question.id === "owls" ? { ...event, ...change } : event,
      );
    expect(linked(asked({})).two).toEqual({ "D1:1": ["owls"] });
    expect(linked(asked({ answer: "cats" })).two).toEqual({});
    expect(linked(asked({ selected: [] })).two).toEqual({});
    expect(linked(asked({ retrieved: [] })).two).toEqual({});
  });

  it("are linked to no turn when their evidence was not recorded", () => {
    expect(linked(withEvidence("pets", ["D1:1", "D9:9"])).one).not.toHaveProperty("D1:4");
    // Turns of the other conversation are none of theirs.
    expect(linked(withEvidence("owls", ["D1:1", "D1:4"])).two).toEqual({});
  });

  it("are never linked to another conversation, however a file mixes them", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...events.keys()], { minLength: 0 }), (order) => {
        for (const dialogue of recordedDialogues(order.map((i) => events[i]!))) {
          const name = dialogue.namespace.at(-1);
          const { turns, questions } = world.find(({ id }) => id === name)!;
          for (const [turn, list] of linkQuestions(dialogue)) {
            expect(turns.map(({ id }) => id)).toContain(turn);
            for (const { id, evidence } of list) {
              expect(questions.map((question) => question.id)).toContain(id);
              expect(evidence).toContain(turn);
            }
          }
        }
      }),
    );
  });
});
