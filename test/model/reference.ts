import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Tiny checkpoints with PyTorch's numbers, beside the project; tests that need them skip where they are absent. */
export const referenceFolder = join("..", "shared", "reference");
export const referencesAbsent = !existsSync(referenceFolder);
export const referenceNames = ["llama-untied", "llama3-scaled-rope", "qwen2-tied-bias", "qwen3-qknorm"] as const;

/** A real checkpoint built into .models, or undefined. */
export function realCheckpoint(name: string): string | undefined {
  const folder = join(".models", name);
  return existsSync(join(folder, "config.json")) ? folder : undefined;
}

/** A folder that is removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "memory-r1-model-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
