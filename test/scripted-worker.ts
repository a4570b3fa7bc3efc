import { parentPort, workerData } from "node:worker_threads";
import { UsageError } from "../src/errors.js";
import { toWire } from "../src/wire-error.js";
import type { Ending, Interim, Opening } from "../src/worker-thread.js";

export interface ScriptedCall {
  readonly id: number;
  /** Milliseconds until the answer. */
  readonly wait?: number;
  readonly tell?: readonly string[];
  readonly end?: "throw" | "exit";
}

export interface Told extends Interim {
  readonly type: "told";
  readonly word: string;
}

/** A thread for tests, which does what a call says. */
const send = (message: Opening<string> | Ending | Told): void => parentPort!.postMessage(message);
const refusal = { what: "the thread is not wanted", remedy: "leave it" };

parentPort!.on("message", ({ id, wait = 0, tell = [], end }: ScriptedCall) => {
  for (const word of tell) send({ type: "told", id, word });
  setTimeout(() => {
    if (end === "exit") process.exit(1);
    if (end === "throw") send({ type: "error", id, error: toWire(new UsageError(refusal)) });
    else send({ type: "result", id, value: `answer ${id}` });
  }, wait);
});
if (workerData === "refuse") send({ type: "refused", error: toWire(new UsageError(refusal)) });
else send({ type: "open", info: `opened with ${workerData}` });
