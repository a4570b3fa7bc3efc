import { parentPort, workerData } from "node:worker_threads";
import { toWire } from "../../wire-error.js";
import { LanguageModel, type LanguageModelOptions } from "./language-model.js";
import type { FromWorker, ToWorker } from "./worker-protocol.js";

/** The engine's thread: opens one model and does what it is asked, one call after another. */
const port = parentPort!;
const send = (message: FromWorker): void => port.postMessage(message);
const aborts = new Map<number, AbortController>();

async function call(model: LanguageModel, { id, method, args, streams }: ToWorker & { type: "call" }): Promise<void> {
  try {
    if (method === "generate") {
      const [requests, options] = args as Parameters<LanguageModel["generate"]>;
      const onTokens = (ids: readonly number[], logprobs: readonly number[]) =>
        send({ type: "tokens", id, ids, logprobs });
      const signal = aborts.get(id)!.signal;
      const value = await model.generate(requests, { ...options, signal, ...(streams ? { onTokens } : {}) });
      send({ type: "result", id, value });
    } else {
      const run = model[method] as (...values: unknown[]) => unknown;
      send({ type: "result", id, value: await run.apply(model, [...args]) });
    }
  } catch (error) {
    send({ type: "error", id, error: toWire(error) });
  } finally {
    aborts.delete(id);
  }
}

try {
  const model = await LanguageModel.open(workerData as LanguageModelOptions);
  let last: Promise<void> = Promise.resolve();
  port.on("message", (message: ToWorker) => {
    if (message.type === "abort") {
      aborts.get(message.id)?.abort();
      return;
    }
    aborts.set(message.id, new AbortController());
    last = last.then(() => call(model, message));
  });
  send({ type: "open", info: model.info });
} catch (error) {
  send({ type: "refused", error: toWire(error) });
}
