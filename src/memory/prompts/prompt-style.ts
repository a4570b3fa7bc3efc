import { compactPrompts } from "./compact-prompts.js";
import type { MemoryPrompts } from "./prompts.js";

export const promptStyles = ["instructed", "compact"] as const;
export type PromptStyle = (typeof promptStyles)[number];

/** The name by which settings know the prompts again. */
export const promptStyle = (prompts: MemoryPrompts): PromptStyle =>
  prompts === compactPrompts ? "compact" : "instructed";
