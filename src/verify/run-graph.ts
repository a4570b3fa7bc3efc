import type { Checkpoint } from "../model/checkpoint/weights.js";
import type { DecoderParameters } from "../model/graph/decoder.js";
import type { factored } from "../model/graph/lora.js";
import { loraInputs } from "../model/graph/lora-inputs.js";
import { biasNames, frozenParameters } from "../model/graph/parameters.js";
import type { Precision } from "../model/graph/precision.js";
import type { Device } from "../onnx/device.js";
import { emitModel, type ModelDefinition } from "../onnx/emit.js";
import { type HostTensor, Session } from "../onnx/session.js";

/** Parameters of a decoder with an adapter applied in one way or the other. */
export function decoderParameters(
  checkpoint: Checkpoint,
  precision: Precision,
  apply: typeof factored,
  lora = loraInputs(checkpoint.config, precision),
): DecoderParameters {
  return apply(frozenParameters(checkpoint, precision), lora, biasNames(checkpoint), precision);
}

export function open({ folder }: Checkpoint, device: Device, definition: ModelDefinition): Promise<Session> {
  return Session.create(emitModel(definition, device), { device, folder });
}

export async function runOnce(
  checkpoint: Checkpoint,
  device: Device,
  definition: ModelDefinition,
  feeds: Readonly<Record<string, HostTensor>>,
): Promise<Record<string, HostTensor>> {
  const session = await open(checkpoint, device, definition);
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}
