import { fileURLToPath } from "node:url";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { BaseStore } from "@langchain/langgraph";
import {
  compactPrompts,
  instructedPrompts,
  LexicalEmbeddings,
  type MemoryPrompts,
  openStore,
  UsageError,
} from "../src/index.js";

/** What the graphs of this folder run on. To use any other LangChain chat model, return it here. */
export interface Backbone {
  readonly model: BaseChatModel;
  readonly manager: BaseChatModel;
  readonly answerer: BaseChatModel;
  readonly prompts: MemoryPrompts;
  readonly store: BaseStore;
}

const TINY = fileURLToPath(new URL("../models/tiny", import.meta.url));

const STYLES: Readonly<Record<string, MemoryPrompts>> = { compact: compactPrompts, instructed: instructedPrompts };

let opened: Promise<Backbone> | undefined;

/**
 * One backbone for all graphs of the process. From the environment: `MEMORY_R1_MODEL` is a Hugging Face folder
 * (default: the tiny model of this project), `MEMORY_R1_MANAGER` and `MEMORY_R1_ANSWERER` are folders of trained
 * adapters, `MEMORY_R1_PROMPTS` is `instructed` or `compact` (default: compact for the tiny model only),
 * `CHROMA_URL` is a running Chroma server (default: an embedded one). An empty variable is as good as none.
 */
export function backbone(): Promise<Backbone> {
  opened ??= open(process.env).catch((error: unknown) => {
    opened = undefined;
    throw error;
  });
  return opened;
}

async function open(env: NodeJS.ProcessEnv): Promise<Backbone> {
  const folder = env.MEMORY_R1_MODEL || TINY;
  const style = env.MEMORY_R1_PROMPTS || (folder === TINY ? "compact" : "instructed");
  const prompts = Object.hasOwn(STYLES, style) ? STYLES[style] : undefined;
  if (prompts === undefined) {
    throw new UsageError({
      what: "there are no prompts of this style",
      where: "MEMORY_R1_PROMPTS",
      expected: Object.keys(STYLES).join(" or "),
      found: style,
      remedy: "set one of them, or leave the variable out",
    });
  }
  const { ChatOnnx } = await import("../src/model/chat/chat-onnx.js");
  const model = await ChatOnnx.load({ folder });
  const trained = (adapter: string | undefined) => (adapter ? ChatOnnx.load({ folder, adapter }) : model);
  const { store } = await openStore({ embeddings: new LexicalEmbeddings(), fields: ["text"] });
  return {
    model,
    manager: await trained(env.MEMORY_R1_MANAGER),
    answerer: await trained(env.MEMORY_R1_ANSWERER),
    prompts,
    store,
  };
}
