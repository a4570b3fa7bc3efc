import { parentPort } from "node:worker_threads";
import { toWire } from "../../wire-error.js";
import type { Ending, Opening } from "../../worker-thread.js";
import { OptimizerShare, type OptimizerTask } from "./optimizer-share.js";

/** One of the optimizer's threads: does its share of each step. */
const port = parentPort!;
const send = (message: Opening<undefined> | Ending): void => port.postMessage(message);
const share = new OptimizerShare();

port.on("message", ({ id, task }: { readonly id: number; readonly task: OptimizerTask }) => {
  try {
    send({ type: "result", id, value: share.run(task) });
  } catch (error) {
    send({ type: "error", id, error: toWire(error) });
  }
});
send({ type: "open", info: undefined });
