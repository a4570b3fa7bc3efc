import { type ChildProcess, spawn } from "node:child_process";
import type { Device } from "../src/onnx/device.js";
import { cudaId } from "../src/onnx/free-memory.js";

/** The largest memory in use since the last question, GiB: of the whole GPU, asked of the driver every 20 ms; of this process on other devices. */
export class PeakMemory {
  private readonly child: ChildProcess | undefined;
  private peak = 0;

  constructor(device: Device) {
    if (!device.startsWith("cuda")) return;
    const query = ["--query-gpu=memory.used", "--format=csv,noheader,nounits", `--id=${cudaId(device)}`];
    // Into a pipe nvidia-smi writes by blocks of 4096 bytes, which are twelve seconds of these lines.
    const byLine = ["-oL", "nvidia-smi", ...query, "--loop-ms=20"];
    this.child = spawn("stdbuf", byLine, { stdio: ["ignore", "pipe", "ignore"] });
    this.child.on("error", () => undefined);
    this.child.stdout?.on("data", (text: Buffer) => {
      for (const line of text.toString().trim().split("\n")) this.peak = Math.max(this.peak, Number(line) / 1024 || 0);
    });
  }

  take(): number {
    const peak = this.child === undefined ? process.resourceUsage().maxRSS / 2 ** 20 : this.peak;
    this.peak = 0;
    return Number(peak.toFixed(2));
  }

  stop(): void {
    this.child?.kill();
  }
}
