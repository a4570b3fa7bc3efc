import type { TrainOptions } from "../../src/train/train-options.js";
import { train } from "../../src/train/trainer.js";

class Stopped extends Error {}

/** Trains to a checkpoint after step `after`, and breaks off as soon as another step is in the metrics, where there can be one. */
export async function trainAndStop(options: TrainOptions, after: number): Promise<void> {
  // Checkpoints after every step leave none in between.
  const last = after === 1 ? 1 : after + 1;
  const onStep = ({ step }: { readonly step: number }) => {
    if (step === last) throw new Stopped();
  };
  try {
    await train({ ...options, checkpointEvery: after, onStep });
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  }
}
