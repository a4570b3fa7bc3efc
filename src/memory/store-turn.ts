import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import type { MemoryStepPayload } from "../trace/episode.js";
import type { MemoryBank } from "./bank/bank.js";
import { MANAGER_LIMIT } from "./manager.js";
import type { TurnInput } from "./state.js";

/** LangGraph's. */
const DEFAULT_LIMIT = 25;

/** A compiled `createMemoryManager`. */
interface Manager {
  invoke(
    input: { readonly turn: TurnInput },
    config: LangGraphRunnableConfig,
  ): Promise<{ readonly step?: MemoryStepPayload | undefined }>;
}

/**
 * Takes a turn into the bank from within another run, after the steps that the bank has under way. The manager's own steps, which are more
 * where it has to decide anew, do not count against the run's `recursionLimit`.
 */
export async function storeTurn(
  manager: Manager,
  bank: MemoryBank,
  turn: TurnInput,
  config: LangGraphRunnableConfig,
): Promise<MemoryStepPayload> {
  const own = { ...config, recursionLimit: Math.max(config.recursionLimit ?? DEFAULT_LIMIT, MANAGER_LIMIT) };
  const { step } = await bank.runExclusive(() => manager.invoke({ turn }, own));
  return step!;
}
