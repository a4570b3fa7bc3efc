import { randomUUID } from "node:crypto";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { BaseStore, LangGraphRunnableConfig, RetryPolicy } from "@langchain/langgraph";
import { UsageError } from "../errors.js";
import { namespaceLabel } from "../store/namespace.js";
import { ownStore } from "../store/own-store.js";
import { MemoryBank } from "./bank/bank.js";
import { instructedPrompts } from "./prompts/instructed-prompts.js";
import type { MemoryPrompts } from "./prompts/prompts.js";

/** Which bank a run works on: fixed, or taken from the run's config. */
export type NamespaceOption = readonly string[] | ((config: LangGraphRunnableConfig) => readonly string[]);

/** Options of all agents. */
export interface AgentOptions {
  /** Model of each role that is not given its own. */
  readonly model?: BaseChatModel;
  /** Where memories are kept; by default the store that the graph was compiled with. */
  readonly store?: BaseStore;
  /** By default `["memories", "user", user_id]`, or `["memories", "thread", thread_id]` where the config has no user. */
  readonly namespace?: NamespaceOption;
  /** Further namespaces that answers may draw on, such as a team's; the manager neither sees nor changes them. */
  readonly shared?:
    | readonly (readonly string[])[]
    | ((config: LangGraphRunnableConfig) => readonly (readonly string[])[]);
  /** Whether to record every change in a history beside the bank, so that changes can be inspected and undone. Default false. */
  readonly history?: boolean;
  /** The prompts of each role. Default `instructedPrompts`; `compactPrompts` for the tiny model. */
  readonly prompts?: MemoryPrompts;
  /** LangGraph retry policy for every node; a repeated step makes the same changes. Default: no retries. */
  readonly retryPolicy?: RetryPolicy;
  /** Makes the ids of steps, answers and model calls. Default: random UUIDs. LangChain requires UUIDs for model calls. */
  readonly id?: () => string;
}

export interface AgentRuntime {
  readonly prompts: MemoryPrompts;
  readonly id: () => string;
  /** Options of each graph node. */
  readonly node: { readonly retryPolicy?: RetryPolicy };
  bank(config: LangGraphRunnableConfig): MemoryBank;
}

export function agentRuntime(options: AgentOptions): AgentRuntime {
  const { store, namespace, shared = [], history = false, prompts, retryPolicy, id = randomUUID } = options;
  return {
    prompts: prompts ?? instructedPrompts,
    id,
    node: retryPolicy === undefined ? {} : { retryPolicy },
    bank: (config) =>
      new MemoryBank({
        store: resolveStore(store, config),
        namespace: resolveNamespace(namespace, config),
        shared: typeof shared === "function" ? shared(config) : shared,
        history,
        id,
      }),
  };
}

/** The model of a role; @throws UsageError without one. */
export function requireModel(model: BaseChatModel | undefined, role: string): BaseChatModel {
  if (model === undefined) {
    throw new UsageError({
      what: `the ${role} has no model`,
      expected: `a chat model as \`${role}\` or \`model\``,
      remedy: role === "extractor" ? "pass one, or give each turn its `facts`" : "pass one",
    });
  }
  return model;
}

function resolveStore(explicit: BaseStore | undefined, config: LangGraphRunnableConfig): BaseStore {
  const store = explicit ?? config.store;
  if (store === undefined) {
    throw new UsageError({
      what: "the graph has no store for its memories",
      remedy: "pass `store` to the agent, or compile the graph with `.compile({ store })`",
    });
  }
  return ownStore(store);
}

function resolveNamespace(option: NamespaceOption | undefined, config: LangGraphRunnableConfig): readonly string[] {
  const namespace = typeof option === "function" ? option(config) : (option ?? defaultNamespace(config));
  if (namespace.length === 0 || namespace.some((label) => label === "" || /[.:\0]/.test(label))) {
    throw new UsageError({
      what: "the namespace cannot be used",
      where: "option `namespace`",
      expected: "one or more labels without '.', ':' or NUL",
      found: JSON.stringify(namespace),
      remedy: "encode the labels, for instance with encodeURIComponent",
    });
  }
  return namespace;
}

function defaultNamespace({ configurable }: LangGraphRunnableConfig): readonly string[] {
  for (const kind of ["user", "thread"]) {
    const id: unknown = configurable?.[`${kind}_id`];
    if (id === undefined || id === null) continue;
    if (typeof id === "string" && id !== "") return ["memories", kind, namespaceLabel(id)];
    throw new UsageError({
      what: "an id cannot name a bank",
      where: `config.configurable.${kind}_id`,
      expected: "a text that is not empty",
      found: `${typeof id} ${JSON.stringify(id)}`,
      remedy: `pass String(id), or leave ${kind}_id out`,
    });
  }
  throw new UsageError({
    what: "the run does not say whose memories it works on",
    where: "config.configurable",
    expected: "user_id or thread_id",
    remedy: 'invoke with { configurable: { thread_id: "…" } }, or pass `namespace` to the agent',
  });
}
