import { parentPort, workerData } from "node:worker_threads";
import { toWire } from "../wire-error.js";
import type { Ending, Opening } from "../worker-thread.js";
import type { Pooling } from "./bert-config.js";
import { Encoder, type EncoderOptions } from "./encoder.js";

export interface EncodeCall {
  readonly id: number;
  readonly rows: readonly (readonly number[])[];
  readonly pooling: Pooling;
}

/** The encoder's thread: opens one and does what it is asked, one call after another. */
const port = parentPort!;
const send = (message: Opening<undefined> | Ending): void => port.postMessage(message);

try {
  const encoder = await Encoder.open(workerData as EncoderOptions);
  let last: Promise<void> = Promise.resolve();
  port.on("message", ({ id, rows, pooling }: EncodeCall) => {
    last = last
      .then(() => encoder.encode(rows, pooling))
      .then(
        (value) => send({ type: "result", id, value }),
        (error: unknown) => send({ type: "error", id, error: toWire(error) }),
      );
  });
  send({ type: "open", info: undefined });
} catch (error) {
  send({ type: "refused", error: toWire(error) });
}
