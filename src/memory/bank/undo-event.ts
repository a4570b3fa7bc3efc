import { dispatchCustomEvent } from "@langchain/core/callbacks/dispatch";
import type { RunnableConfig } from "@langchain/core/runnables";
import { RunnableLambda } from "@langchain/core/runnables";
import { UNDO_EVENT, type UndoPayload } from "../../trace/episode.js";

/** Tells the recorders of a config what an undo did. It need not be called in a graph: the undo is a run of its own. */
export async function tellUndo(undo: UndoPayload, config: RunnableConfig): Promise<void> {
  if (config.callbacks === undefined) return;
  const run = RunnableLambda.from(async (_: null, own: RunnableConfig) => {
    await dispatchCustomEvent(UNDO_EVENT, undo, own);
    // As graphs' nodes put out what they did, so that an export of the run holds it.
    return { undo };
  });
  await run.withConfig({ runName: "memory-r1:undo" }).invoke(null, config);
}
