import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Embeddings } from "@langchain/core/embeddings";
import { FileError } from "../../errors.js";
import { compactPrompts } from "../../memory/prompts/compact-prompts.js";
import { instructedPrompts } from "../../memory/prompts/instructed-prompts.js";
import type { MemoryPrompts } from "../../memory/prompts/prompts.js";
import { ChatOnnx } from "../../model/chat/chat-onnx.js";
import { tinyModel } from "../../model/checkpoint/tiny-model.js";
import { loadTokenizer } from "../../model/checkpoint/tokenizer.js";
import type { PolicyEngine } from "../../model/engine/engine.js";
import { openEngine } from "../../model/engine/open-engine.js";
import { checkAgent } from "../hygiene.js";
import { type OpenedEmbeddings, openEmbeddings } from "./embeddings.js";
import type { ModelOptions } from "./options.js";

/** Longest reply by default; a small context leaves it an eighth. */
const MAX_NEW_TOKENS = 256;

/** The roles over one engine, so that they share its batches. */
export interface OpenedModels {
  readonly engine: PolicyEngine;
  /** The model without an adapter, greedy: the extractor. */
  readonly extractor: ChatOnnx;
  readonly base: ChatOnnx;
  /** With its adapter where there is one, else the base. */
  readonly manager: ChatOnnx;
  readonly answerer: ChatOnnx;
  readonly prompts: MemoryPrompts;
  readonly embeddings: Embeddings;
  /** SHA-256 of the sentence encoder's weights; null where words are compared. */
  readonly encoder: string | null;
  close(): Promise<void>;
}

/** Opens a checkpoint and the adapters on it. @throws FileError or EngineError. */
export async function openModels(options: ModelOptions): Promise<OpenedModels> {
  const folder = resolve(options.model ?? tinyModel);
  checkFolder(
    folder,
    "model",
    "pass --model with a Hugging Face folder: config.json, model.safetensors, tokenizer.json",
  );
  if (options.embeddings !== undefined) {
    checkFolder(
      options.embeddings,
      "encoder",
      "pass --embeddings with a Hugging Face folder, such as all-MiniLM-L6-v2",
    );
  }
  const adapters = { manager: options.adapterManager, answerer: options.adapterAnswerer };
  for (const agent of ["manager", "answerer"] as const) {
    const adapter = adapters[agent];
    if (adapter === undefined) continue;
    checkFolder(adapter, "adapter", "pass a folder that peft or `memory-r1 train` wrote");
    await checkAgent(agent, adapter);
  }
  const tokenizer = await loadTokenizer(folder);
  const engine = await openEngine({
    folder,
    device: options.device,
    ...(options.precision === undefined ? {} : { precision: options.precision }),
  });
  let encoder: OpenedEmbeddings | undefined;
  try {
    encoder = await openEmbeddings(options.embeddings, engine.info.device);
    const { temperature, seed } = options;
    const maxNewTokens = options.maxNewTokens ?? Math.min(MAX_NEW_TOKENS, Math.ceil(engine.info.contextLength / 8));
    const fields = { engine, tokenizer, temperature, maxNewTokens, seed };
    const base = new ChatOnnx(fields);
    const adapted = async (name: keyof typeof adapters): Promise<ChatOnnx> => {
      const adapter = adapters[name];
      if (adapter === undefined) return base;
      await engine.loadAdapter(name, adapter);
      return new ChatOnnx({ ...fields, adapter: name });
    };
    return {
      engine,
      extractor: new ChatOnnx({ ...fields, temperature: 0 }),
      base,
      manager: await adapted("manager"),
      answerer: await adapted("answerer"),
      prompts: choosePrompts(folder, options.prompts),
      embeddings: encoder.embeddings,
      encoder: encoder.weights,
      close: async () => {
        await engine.close();
        await encoder?.close();
      },
    };
  } catch (error) {
    await engine.close();
    await encoder?.close();
    throw error;
  }
}

/** Models that this project's own training made say so in a file, and speak the compact prompts. */
function choosePrompts(folder: string, style: ModelOptions["prompts"]): MemoryPrompts {
  const chosen = style ?? (folder === tinyModel || existsSync(join(folder, "made.json")) ? "compact" : "instructed");
  return chosen === "compact" ? compactPrompts : instructedPrompts;
}

function checkFolder(folder: string, kind: string, remedy: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new FileError({
    what: `the ${kind}'s folder is missing`,
    where: folder,
    expected: "a folder",
    found: existsSync(folder) ? "a file" : "nothing there",
    remedy,
  });
}
