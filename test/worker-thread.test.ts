import { expect, test } from "vitest";
import { EngineError, UsageError } from "../src/errors.js";
import { WorkerThread } from "../src/worker-thread.js";
import type { ScriptedCall, Told } from "./scripted-worker.js";

const script = new URL("./scripted-worker.js", import.meta.url);
const stopped = { what: "the scripted thread stopped", remedy: "open another one" };
const open = (workerData: string) => WorkerThread.open<string, Told>({ script, workerData, stopped });
const call = (message: Omit<ScriptedCall, "id">) => message;

test("each call gets its own answer, in whatever order the thread gives them", async () => {
  const thread = await open("care");
  expect(thread.info).toBe("opened with care");
  const order: string[] = [];
  const [slow, quick] = [call({ wait: 50 }), call({})].map((message) => {
    const { id, answered } = thread.call<string>(message);
    return answered.then((value) => {
      order.push(value);
      return [id, value];
    });
  });
  expect(await slow).toEqual([0, "answer 0"]);
  expect(await quick).toEqual([1, "answer 1"]);
  expect(order).toEqual(["answer 1", "answer 0"]);
  await thread.terminate();
});

test("what is told on the way reaches the call that it is about, and no other", async () => {
  const thread = await open("care");
  const words: [string, string][] = [];
  const first = thread.call(call({ wait: 20, tell: ["a", "b"] }), ({ word }) => words.push(["first", word]));
  const second = thread.call(call({ tell: ["c"] }), ({ word }) => words.push(["second", word]));
  const silent = thread.call(call({ tell: ["d"] }));
  await Promise.all([first.answered, second.answered, silent.answered]);
  expect(words).toEqual([
    ["first", "a"],
    ["first", "b"],
    ["second", "c"],
  ]);
  await thread.terminate();
});

test("errors of the thread keep their class: of one that will not open, and of a call, after which it goes on", async () => {
  await expect(open("refuse")).rejects.toThrow(UsageError);
  const thread = await open("care");
  await expect(thread.call(call({ end: "throw" })).answered).rejects.toThrow(UsageError);
  expect(await thread.call(call({})).answered).toBe("answer 1");
  await thread.terminate();
});

test("a thread that dies fails the calls under way and all later ones, and says what to do", async () => {
  const thread = await open("care");
  const waiting = thread.call(call({ wait: 60_000 })).answered;
  const last = thread.call(call({ end: "exit" })).answered;
  await Promise.all([waiting, last].map((answered) => expect(answered).rejects.toThrow(EngineError)));
  await expect(thread.call(call({})).answered).rejects.toThrow("the scripted thread stopped; open another one");
});
