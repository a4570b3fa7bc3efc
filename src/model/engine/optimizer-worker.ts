import { parentPort } from "node:worker_threads";
import { toWire } from "../../wire-error.js";
import type { Ending, Opening } from "../../worker-thread.js";
import { OptimizerShare, type OptimizerTask } from "./optimizer-share.js";

/** One of the optimizer's threads: does its share of each step, and gives values back as they came, without a copy. */
const port = parentPort!;
const send = (message: Opening<undefined> | Ending, moved: readonly Float32Array<ArrayBuffer>[] = []): void =>
  port.postMessage(
    message,
    moved.map(({ buffer }) => buffer),
  );
const share = new OptimizerShare();

port.on("message", ({ id, task }: { readonly id: number; readonly task: OptimizerTask }) => {
  try {
    if (task.type === "take") {
      send({ type: "result", id, value: share.take(task.gradients) });
    } else {
      const values = share.step(task.tensors, task.factors);
      send({ type: "result", id, value: values }, values);
    }
  } catch (error) {
    send({ type: "error", id, error: toWire(error) });
  }
});
send({ type: "open", info: undefined });
