import { EngineError } from "../errors.js";
import type { Device } from "./device.js";
import { emitModel } from "./emit.js";
import * as o from "./operators.js";
import { Session } from "./session.js";
import { input } from "./value.js";

/** What a user may choose; "auto" is the fastest device that works. */
export type DeviceChoice = Device | "auto";

export type DeviceProbe = { readonly device: Device } & (
  | { readonly works: true }
  /** Why it does not, and what to do. */
  | { readonly works: false; readonly problem: EngineError }
);

/** Computes something small on the device. */
export async function probeDevice(device: Device): Promise<DeviceProbe> {
  const x = input("x", "float32", ["N"]);
  const model = emitModel({ inputs: [x], outputs: { y: o.add(x, x) } });
  try {
    const session = await Session.create(model, { device });
    try {
      const { y } = await session.run({ x: { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) } });
      if (String(y!.data) === "2,4") return { device, works: true };
      const remedy = `pass device "cpu" (--device cpu), and report this with the driver's version`;
      throw new EngineError({ what: `${device} computes wrongly`, expected: "2,4", found: String(y!.data), remedy });
    } finally {
      await session.release();
    }
  } catch (error) {
    if (error instanceof EngineError) return { device, works: false, problem: error };
    throw error;
  }
}

/**
 * The device itself, or for "auto" the first of CUDA, WebGPU and CPU that works. A device given by name is never replaced by another.
 * @throws EngineError where it does not work.
 */
export async function resolveDevice(
  choice: DeviceChoice,
  probe: (device: Device) => Promise<DeviceProbe> = probeDevice,
): Promise<Device> {
  if (choice === "cpu") return choice;
  if (choice !== "auto") {
    const probed = await probe(choice);
    if (!probed.works) throw probed.problem;
    return choice;
  }
  for (const device of ["cuda", "webgpu"] as const) if ((await probe(device)).works) return device;
  return "cpu";
}
