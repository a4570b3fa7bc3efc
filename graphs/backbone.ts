import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { BaseStore } from "@langchain/langgraph";
import { compactPrompts, instructedPrompts, LexicalEmbeddings, type MemoryPrompts, openStore } from "../src/index.js";

/** What the graphs of this folder run on. To use any other LangChain chat model, return it here. */
export interface Backbone {
  readonly model: BaseChatModel;
  readonly manager: BaseChatModel;
  readonly answerer: BaseChatModel;
  readonly prompts: MemoryPrompts;
  readonly store: BaseStore;
}

const TINY = new URL("../models/tiny", import.meta.url).pathname;

let opened: Promise<Backbone> | undefined;

/**
 * One backbone for all graphs of the process. From the environment: `MEMORY_R1_MODEL` is a Hugging Face folder
 * (default: the tiny model of this project), `MEMORY_R1_MANAGER` and `MEMORY_R1_ANSWERER` are folders of trained
 * adapters, `MEMORY_R1_PROMPTS` is `instructed` or `compact` (default: compact for the tiny model only),
 * `CHROMA_URL` is a running Chroma server (default: an embedded one).
 */
export function backbone(): Promise<Backbone> {
  opened ??= open(process.env);
  return opened;
}

async function open(env: NodeJS.ProcessEnv): Promise<Backbone> {
  const { ChatOnnx } = await import("../src/model/chat-onnx.js");
  const folder = env.MEMORY_R1_MODEL ?? TINY;
  const model = await ChatOnnx.load({ folder });
  const trained = (adapter: string | undefined) => (adapter ? ChatOnnx.load({ folder, adapter }) : model);
  const style = env.MEMORY_R1_PROMPTS ?? (folder === TINY ? "compact" : "instructed");
  const { store } = await openStore({ embeddings: new LexicalEmbeddings(), fields: ["text"] });
  return {
    model,
    manager: await trained(env.MEMORY_R1_MANAGER),
    answerer: await trained(env.MEMORY_R1_ANSWERER),
    prompts: style === "compact" ? compactPrompts : instructedPrompts,
    store,
  };
}
