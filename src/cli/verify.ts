import type { Command } from "commander";
import { UsageError } from "../errors.js";
import type { Precision } from "../model/graph/precision.js";
import { type DeviceChoice, resolveDevice } from "../onnx/devices.js";
import { boundsOf } from "../verify/check.js";
import { verify } from "../verify/run.js";
import { WorkFailure } from "./exit.js";
import { device, deviceHelp, plainCommand, precisionOption } from "./options/options.js";

interface VerifyOptions {
  readonly models?: string;
  readonly device: DeviceChoice;
  readonly precision: Precision;
}

/** Some numbers differ by more than their bound. */
export class ChecksFailedError extends Error {
  override readonly name = "ChecksFailed";
}

export function verifyVerb(): Command {
  return plainCommand(
    "verify",
    "Compare this build's numbers with another implementation's; one JSON line per check.",
    "memory-r1 verify reference/llama reference/qwen3\nmemory-r1 verify chat.json --models .models",
  )
    .argument("<path...>", "reference folders, files of chats by model, files of metrics")
    .option("--models <dir>", "folder with one checkpoint folder per model of a file of chats")
    .option("--device <device>", deviceHelp, device, "cpu")
    .addOption(precisionOption().default("float32"))
    .addHelpText("after", "\nExit codes: 0 all checks pass, 1 a check fails, 2 an input or option cannot be used.")
    .action(report);
}

async function report(paths: readonly string[], { models, device: choice, precision }: VerifyOptions): Promise<void> {
  const device = await resolveDevice(choice);
  const bounds = boundsOf[precision];
  let [compared, failed] = [0, 0];
  for await (const check of verify(paths, { models, device, precision, bounds, onModel: reportCost })) {
    process.stdout.write(`${JSON.stringify(check)}\n`);
    if ("skipped" in check) continue;
    compared++;
    if (!check.pass) failed++;
  }
  if (compared === 0) {
    throw new UsageError({
      what: "no check could be made",
      where: paths.join(" "),
      found: "only models that were skipped",
      remedy: "pass --models with a folder that holds the checkpoints",
    });
  }
  if (failed > 0) throw new WorkFailure(new ChecksFailedError(`${failed} of ${compared} checks fail`));
}

function reportCost(model: string, seconds: number): void {
  const peak = process.resourceUsage().maxRSS / 2 ** 20;
  process.stderr.write(`${model}: ${seconds.toFixed(1)} s; peak memory of the process so far ${peak.toFixed(2)} GiB\n`);
}
