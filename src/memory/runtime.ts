import { randomUUID } from "node:crypto";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { BaseStore, LangGraphRunnableConfig, RetryPolicy } from "@langchain/langgraph";
import { UsageError } from "../errors.js";
import { namespaceLabel } from "../store/namespace.js";
import { ownStore } from "../store/own-store.js";
import { MemoryBank } from "./bank.js";
import { instructedPrompts } from "./instructed-prompts.js";
import type { MemoryPrompts } from "./prompts.js";

/** Which bank a run works on: fixed, or taken from the run's config. */
export type NamespaceOption = readonly string[] | ((config: LangGraphRunnableConfig) => readonly string[]);

/** What all the agents take. */
export interface AgentOptions {
  /** Serves each role that is not given a model of its own. */
  readonly model?: BaseChatModel;
  /** Where memories are kept; by default the store that the graph was compiled with. */
  readonly store?: BaseStore;
  /** By default `["memories", "user", user_id]`, or `["memories", "thread", thread_id]` where the config has no user. */
  readonly namespace?: NamespaceOption;
  /** Namespaces that answers may draw on as well, such as a team's; the manager neither sees nor changes them. */
  readonly shared?:
    | readonly (readonly string[])[]
    | ((config: LangGraphRunnableConfig) => readonly (readonly string[])[]);
  /** Whether the life of each memory is written down beside the bank, so that it can be shown and undone. Default false. */
  readonly history?: boolean;
  /** How each role is asked. Default `instructedPrompts`; `compactPrompts` for the tiny model. */
  readonly prompts?: MemoryPrompts;
  /** How nodes are run again that fail, by a model or a store; a step that runs again makes the same changes. Default: they are not. */
  readonly retryPolicy?: RetryPolicy;
  /** Makes the ids of steps, answers and model calls. Default: random UUIDs. LangChain wants UUIDs for model calls. */
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
