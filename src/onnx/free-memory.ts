import { execFile } from "node:child_process";
import { freemem } from "node:os";
import { promisify } from "node:util";
import type { Device } from "./session.js";

const run = promisify(execFile);

/** Index of a CUDA device. */
export const cudaIndex = (device: Device): number => Number(device.split(":")[1] ?? 0);

/** Bytes free on the device now; undefined where nothing tells. */
export async function freeMemory(device: Device): Promise<number | undefined> {
  if (device === "cpu") return freemem();
  if (!device.startsWith("cuda")) return undefined;
  const query = ["--query-gpu=memory.free", "--format=csv,noheader,nounits", `--id=${cudaIndex(device)}`];
  const mebibytes = await run("nvidia-smi", query).then(
    ({ stdout }) => Number(stdout.trim()),
    () => Number.NaN,
  );
  return Number.isFinite(mebibytes) ? mebibytes * 2 ** 20 : undefined;
}
