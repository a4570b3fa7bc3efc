import { statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { FileError, messageOf, UsageError } from "../../errors.js";
import { hashFile, hashWeights } from "../../hash.js";
import { ChatOnnx } from "../../model/chat/chat-onnx.js";
import type { ModelOptions } from "./options.js";

/** Longest verdict, in tokens. */
const VERDICT_TOKENS = 32;

export interface OpenedJudge {
  readonly model: BaseChatModel;
  /** SHA-256 of what it is made of. */
  readonly weights: string;
  close(): Promise<void>;
}

/** Opens a judge: a Hugging Face folder, or a JavaScript module that exports a LangChain chat model as `judge`. @throws FileError or UsageError. */
export async function openJudge(path: string, { device }: Pick<ModelOptions, "device">): Promise<OpenedJudge> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw new FileError({
      what: "the judge is missing",
      where: path,
      expected: "a Hugging Face folder, or a JavaScript module",
      found: "nothing there",
      remedy: "check the path, or leave out --judge",
    });
  }
  if (!stat.isDirectory()) return fromModule(path);
  const { tokenizer, engine } = await openChat(path, device);
  const model = new ChatOnnx({ engine, tokenizer, maxNewTokens: VERDICT_TOKENS });
  return { model, weights: await hashWeights(path), close: () => model.close() };
}

async function openChat(folder: string, device: ModelOptions["device"]) {
  const [{ loadTokenizer }, { openEngine }] = await Promise.all([
    import("../../model/checkpoint/tokenizer.js"),
    import("../../model/engine/open-engine.js"),
  ]);
  return { tokenizer: await loadTokenizer(folder), engine: await openEngine({ folder, device }) };
}

async function fromModule(path: string): Promise<OpenedJudge> {
  let exported: Record<string, unknown>;
  try {
    exported = (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  } catch (cause) {
    const found = messageOf(cause);
    const remedy = "pass an ES module that Node.js can import";
    throw new FileError({ what: "the judge's module cannot be imported", where: path, found, remedy, cause });
  }
  const { judge } = exported;
  if (!isChatModel(judge)) {
    throw new UsageError({
      what: "the module has no judge",
      where: path,
      expected: "a LangChain chat model, exported as `judge`",
      found: Object.keys(exported).join(", ") || "no exports",
      remedy: "write `export const judge = new ChatOpenAI({ … })`, or any other chat model",
    });
  }
  return { model: judge, weights: (await hashFile(path)).sha256, close: async () => undefined };
}

/** Not by `instanceof` alone: the module may have a copy of LangChain of its own. */
function isChatModel(value: unknown): value is BaseChatModel {
  if (value instanceof BaseChatModel) return true;
  return typeof value === "object" && value !== null && "_llmType" in value && "invoke" in value;
}
