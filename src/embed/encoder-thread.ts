import { WorkerThread } from "../worker-thread.js";
import type { Pooling } from "./bert-config.js";
import type { EncoderOptions } from "./encoder.js";
import type { EncodeCall } from "./worker.js";

/** A sentence encoder in a thread of its own, so that the caller's event loop stays free. */
export class EncoderThread {
  private constructor(private readonly thread: WorkerThread<undefined>) {}

  static async open(options: EncoderOptions): Promise<EncoderThread> {
    const thread = await WorkerThread.open<undefined>({
      script: new URL("./worker.js", import.meta.url),
      workerData: options,
      stopped: {
        what: "the encoder's thread stopped",
        remedy: "open the embeddings again, with a smaller batchSize if memory ran out",
      },
    });
    return new EncoderThread(thread);
  }

  encode(rows: readonly (readonly number[])[], pooling: Pooling): Promise<number[][]> {
    return this.thread.call<number[][]>({ rows, pooling } satisfies Omit<EncodeCall, "id">).answered;
  }

  close(): Promise<void> {
    return this.thread.terminate();
  }
}
