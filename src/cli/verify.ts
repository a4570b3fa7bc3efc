import { Command, CommanderError, InvalidArgumentError } from "commander";
import { MemoryR1Error, UsageError } from "../errors.js";
import type { Device } from "../onnx/session.js";
import { float32Bounds } from "../verify/check.js";
import { verify } from "../verify/run.js";

const PASSED = 0;
const FAILED = 1;
const UNUSABLE = 2;

function device(text: string): Device {
  if (/^(cpu|webgpu|cuda(:\d+)?)$/.test(text)) return text as Device;
  throw new InvalidArgumentError("expected cpu, cuda, cuda:N or webgpu");
}

const command = new Command("verify")
  .description("Compare this build's numbers with another implementation's; one JSON line per check.")
  .argument("<path...>", "reference folders, files of chats by model, files of metrics")
  .option("--models <dir>", "folder with one checkpoint folder per model of a file of chats")
  .option("--device <device>", "cpu, cuda, cuda:N or webgpu", device, "cpu")
  .addHelpText("after", "\nExit code: 0 all checks pass, 1 a check fails, 2 an input or option cannot be used.")
  .exitOverride();

async function run(args: readonly string[]): Promise<number> {
  command.parse([...args], { from: "user" });
  const { models, device } = command.opts<{ models?: string; device: Device }>();
  let [compared, failed] = [0, 0];
  for await (const check of verify(command.args, { models, device, bounds: float32Bounds, onModel: reportCost })) {
    process.stdout.write(`${JSON.stringify(check)}\n`);
    if ("skipped" in check) continue;
    compared++;
    if (!check.pass) failed++;
  }
  if (compared === 0) {
    throw new UsageError({
      what: "no check could be made",
      where: command.args.join(" "),
      found: "only models that were skipped",
      remedy: "pass --models with a folder that holds the checkpoints",
    });
  }
  return failed === 0 ? PASSED : FAILED;
}

function reportCost(model: string, seconds: number): void {
  const peak = process.resourceUsage().maxRSS / 2 ** 20;
  process.stderr.write(`${model}: ${seconds.toFixed(1)} s; peak memory of the process so far ${peak.toFixed(2)} GiB\n`);
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? PASSED : UNUSABLE;
  else {
    process.exitCode = UNUSABLE;
    process.stderr.write(`${error instanceof MemoryR1Error ? `${error.name}: ${error.message}` : String(error)}\n`);
  }
}
