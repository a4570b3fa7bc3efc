import { execFile } from "node:child_process";
import { freemem } from "node:os";
import { promisify } from "node:util";
import type { Device } from "./device.js";

const run = promisify(execFile);

/**
 * A CUDA device as nvidia-smi knows it: by its place among all GPUs of the machine, or by its UUID, where CUDA_VISIBLE_DEVICES shows this
 * process only some of them.
 */
export function cudaId(device: Device, visible: string | undefined = process.env.CUDA_VISIBLE_DEVICES): string {
  const index = Number(device.split(":")[1] ?? 0);
  return visible?.split(",")[index]?.trim() || String(index);
}

/** Bytes free on the device now; undefined where nothing tells. */
export async function freeMemory(device: Device): Promise<number | undefined> {
  if (device === "cpu") return freemem();
  if (!device.startsWith("cuda")) return undefined;
  const query = ["--query-gpu=memory.free", "--format=csv,noheader,nounits", `--id=${cudaId(device)}`];
  const mebibytes = await run("nvidia-smi", query).then(
    ({ stdout }) => Number(stdout.trim()),
    () => Number.NaN,
  );
  return Number.isFinite(mebibytes) ? mebibytes * 2 ** 20 : undefined;
}
