import { type StructuredToolInterface, tool } from "@langchain/core/tools";
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import { z } from "zod";
import { quoteRecalled } from "./bank/recalled.js";
import { createMemoryManager, type ManagerOptions } from "./manager.js";
import { MAX_FACTS } from "./parse.js";
import { agentRuntime } from "./runtime.js";
import { DEFAULT_SPEAKER, turnSaidNow } from "./said-now.js";
import { storeTurn } from "./store-turn.js";

export interface MemoryToolsOptions extends ManagerOptions {
  /** Whose facts the agent records. Default "user". */
  readonly speaker?: string;
  /** Whether what was recorded just before and after a memory counts when searching for it. Default false. */
  readonly adjacent?: boolean;
  readonly now?: () => Date;
}

const searchSchema = z.object({
  query: z.string().trim().min(1).max(2000).describe("What to look for, in words"),
  limit: z.number().int().min(1).max(30).default(10).describe("Most memories to return"),
});

const recordSchema = z.object({
  facts: z
    .array(z.string().trim().min(1).max(2000))
    .min(1)
    .max(MAX_FACTS)
    .describe("Short sentences that can be understood on their own, each with the name of whom it is about"),
});

/**
 * Memory as tools for an agent that decides itself when to search and what to keep: `search_memory` and `record_turn`.
 * The agent supplies facts; the memory manager decides on ADD, UPDATE, DELETE or NOOP, so that the agent never names a
 * memory. Store and namespace come from the run, as in the graphs.
 */
export function createMemoryTools(options: MemoryToolsOptions): StructuredToolInterface[] {
  const { search: mode = "vector", adjacent = false, speaker = DEFAULT_SPEAKER, now = () => new Date() } = options;
  const runtime = agentRuntime(options);
  const manager = createMemoryManager(options).compile();

  const search = tool(
    async ({ query, limit }, config: LangGraphRunnableConfig) => {
      const found = await runtime.bank(config).retrieve(query, { limit, mode, adjacent, shared: true });
      return found.length === 0 ? "No memories." : quoteRecalled(found.map(({ value }) => value));
    },
    {
      name: "search_memory",
      description:
        "Looks into the long-term memory of earlier conversations. Returns memories with their dates, nearest first.",
      schema: searchSchema,
    },
  );

  const record = tool(
    async ({ facts }, config: LangGraphRunnableConfig) => {
      const turn = turnSaidNow({ id: runtime.id(), speaker, text: facts.join(" "), facts }, now());
      const { unparsable, changes, operations } = await storeTurn(manager, runtime.bank(config), turn, config);
      if (unparsable !== null) return `Nothing was recorded: the memory manager's answer was refused (${unparsable}).`;
      const lines = changes.map(({ event, before, after }) => `${event}: ${(after ?? before)!.text}`);
      if (lines.length > 0) return lines.join("\n");
      // Where the user refused a deletion, nothing is left of the decision.
      return operations.length > 0 ? "Nothing new: the memory holds it already." : "Nothing was changed.";
    },
    {
      name: "record_turn",
      description:
        "Takes lasting facts of this conversation into the long-term memory, which is brought up to date by them.",
      schema: recordSchema,
    },
  );
  return [search, record];
}
