import { afterAll, expect, test } from "vitest";
import { codeCells, notebookNames, program, readNotebook, Workshop } from "./notebook.js";

const workshop = new Workshop();
afterAll(() => workshop.remove());

/** What each notebook promises whatever the tiny model says: after a cell, the value of an expression. */
function tellAfter(name: string, results: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  const cells = codeCells(name);
  expect(cells.map(({ id }) => id)).toEqual(expect.arrayContaining(Object.keys(results)));
  return workshop.run(workshop.write(name.replace(".ipynb", "-told.ts"), program(cells, results)), "notebooks");
}

test("the notebooks stand in reading order", () => {
  expect(notebookNames).toEqual([
    "1-put-memory-into-your-graph.ipynb",
    "2-record-and-replay.ipynb",
    "3-train-on-your-own-episodes.ipynb",
    "4-swap-the-backbone.ipynb",
  ]);
});

test.each(notebookNames)("%s is nbformat 4.5 without outputs, and names no path of a machine", (name) => {
  const { text, cells } = readNotebook(name);
  const ids = cells.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(cells[0]?.cell_type).toBe("markdown");
  expect(text).not.toMatch(/(?<![\w.])\/(home|Users|root|work|tmp|mnt|var|opt)\/|file:\/\/|[A-Z]:\\\\/);
});

test("the cells of every notebook fit the package's types under strict options", () => {
  for (const name of notebookNames) workshop.write(name.replace(".ipynb", ".ts"), program(codeCells(name)));
  expect(workshop.typeErrors()).toBe("");
});

test("notebook 1 puts what was told into the bank, keeps users apart, and answers from a graph of one's own", () => {
  const told = tellAfter("1-put-memory-into-your-graph.ipynb", {
    bank: "(await bank.list()).map(({ value }) => value.text)",
    turns: "steps.map(({ turn }) => turn.id)",
    question: "answer",
    users: "asBen.answer?.retrieved",
    extend: "spoken",
    subgraph: "chat.messages.map(({ type }) => type)",
  });
  expect(told).toEqual({
    bank: ["Ana lives in Oslo"],
    turns: ["2", "3"],
    question: expect.objectContaining({ namespace: ["memories", "user", "ana"], answer: expect.any(String) }),
    users: [],
    extend: expect.stringMatching(/^As far as I remember: /),
    subgraph: ["human", "ai"],
  });
});

test("notebook 2 records every call and decision, rebuilds each prompt token for token, and forks the bank", () => {
  const { read, calls, rebuild, fork } = tellAfter("2-record-and-replay.ipynb", {
    read: "events.map(({ type }) => type)",
    calls: "calls.map(({ role, promptIds }) => [role, promptIds?.length])",
    rebuild: "rebuilt.map(({ promptIds }) => promptIds?.length)",
    fork: "[await texts(before.bank), await texts(fork)]",
  });
  const managed = ["model_call", "memory_step"];
  expect(read).toEqual([...managed, ...managed, ...managed, "model_call", "answer", "reward"]);
  const prompts = calls as [string, number][];
  expect(prompts.map(([role]) => role)).toEqual(["manager", "manager", "manager", "answerer"]);
  expect(rebuild).toEqual(prompts.map(([, length]) => length));
  const [before, after] = fork as [string[], string[]];
  expect(after).toEqual([...before, "Ana moved from Oslo to Lima"]);
});

test("notebook 3 trains three steps on its own episodes, and leaves an adapter that manages", () => {
  const told = tellAfter("3-train-on-your-own-episodes.ipynb", {
    task: "task.items.length",
    files: "[files, metrics.map((line) => JSON.parse(line).step)]",
    use: "[manager.adapter, steps.map(({ turn }) => turn.speaker)]",
  });
  expect(told).toEqual({
    task: 4,
    files: [expect.arrayContaining(["adapter_config.json", "adapter_model.safetensors"]), [1, 2, 3]],
    use: ["manager", ["Cleo"]],
  });
});

test("notebook 4 runs on a hosted model, on one for each role, and streams what it invokes", () => {
  const { stream, ...told } = tellAfter("4-swap-the-backbone.ipynb", {
    graph: "[first.steps[0]?.changes[0]?.after?.text, first.answer?.answer, first.answer?.selected]",
    unreadable: "[step?.changes, typeof step?.unparsable]",
    mixed: "[second.steps[0]?.facts, second.answer?.answer]",
    stream: "[reply.text, streamed]",
  });
  expect(told).toEqual({
    graph: ["Ana has a puppy called Rex", "Rex", ["m1"]],
    unreadable: [[], "string"],
    mixed: [["Ben lives in Oslo"], "Oslo"],
  });
  const [whole, streamed] = stream as [string, string];
  expect(streamed).toBe(whole);
});
