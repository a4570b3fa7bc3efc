import { existsSync } from "node:fs";
import { join } from "node:path";
import { vi } from "vitest";
import { runProgram } from "../../src/cli/program.js";
import { tinyModel } from "../../src/model/checkpoint/tiny-model.js";

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in this process. */
export async function runCli(...args: string[]): Promise<CliResult> {
  const written = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      written[name] += String(text);
      return true;
    }),
  );
  try {
    return { code: await runProgram(args), ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** Whether the checkout has the tiny model's weights. */
export const hasTinyModel = existsSync(join(tinyModel, "model.safetensors"));
