import { EngineError } from "../../errors.js";
import type { Device } from "../../onnx/device.js";
import type { Architecture } from "../checkpoint/config.js";

/** What weights and activations are computed in. Logits, losses, adapters and the optimizer are float32 whatever this is. */
export const precisions = ["float32", "float16", "bfloat16"] as const;
export type Precision = (typeof precisions)[number];

/**
 * float32 on a CPU, whose kernels convert 16-bit numbers at every operator, and on WebGPU, where 16 bits are an optional feature.
 * bfloat16 on CUDA: twice float32's speed and half its memory as float16 has too, but these architectures were trained in bfloat16, and
 * their residual streams (Qwen2's above all) can pass float16's largest number, 65504.
 */
const defaults: { readonly [K in Architecture]: Precision } = {
  llama: "bfloat16",
  mistral: "bfloat16",
  qwen2: "bfloat16",
  qwen3: "bfloat16",
};

export function defaultPrecision(device: Device, architecture: Architecture): Precision {
  return device.startsWith("cuda") ? defaults[architecture] : "float32";
}

/** @throws EngineError where the device has no kernels for the precision. */
export function checkPrecision(precision: Precision, device: Device): void {
  if (precision !== "bfloat16" || device.startsWith("cuda")) return;
  throw new EngineError({
    what: `${device} cannot compute in bfloat16`,
    expected: "float32 or float16",
    found: precision,
    remedy: `leave out precision (--precision) for this device's default, or pass device "cuda" (--device cuda)`,
  });
}
