import { parentPort, workerData } from "node:worker_threads";
import { toWire, type WireError } from "../model/worker-protocol.js";
import type { Pooling } from "./bert-config.js";
import { Encoder, type EncoderOptions } from "./encoder.js";

export interface EncodeCall {
  readonly id: number;
  readonly rows: readonly (readonly number[])[];
  readonly pooling: Pooling;
}

export type FromEncoder =
  | { readonly type: "open" }
  | { readonly type: "refused"; readonly error: WireError }
  | { readonly type: "result"; readonly id: number; readonly vectors: number[][] }
  | { readonly type: "error"; readonly id: number; readonly error: WireError };

/** The encoder's thread: opens one and does what it is asked, one call after another. */
const port = parentPort!;
const send = (message: FromEncoder): void => port.postMessage(message);

try {
  const encoder = await Encoder.open(workerData as EncoderOptions);
  let last: Promise<void> = Promise.resolve();
  port.on("message", ({ id, rows, pooling }: EncodeCall) => {
    last = last
      .then(() => encoder.encode(rows, pooling))
      .then(
        (vectors) => send({ type: "result", id, vectors }),
        (error: unknown) => send({ type: "error", id, error: toWire(error) }),
      );
  });
  send({ type: "open" });
} catch (error) {
  send({ type: "refused", error: toWire(error) });
}
