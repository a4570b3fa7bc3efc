import { createMemoryManager } from "../src/index.js";
import { backbone } from "./backbone.js";

/**
 * Takes one turn into the bank.
 *
 *     { turn: { id: "1", speaker: "Ana", text: "I moved to Oslo", time: "7 May 2023" } }
 *
 * gives `step`: the facts, the memories that were shown, the operations, and each change.
 * The bank is that of `configurable.user_id`, or else of the thread.
 */
export async function graph() {
  const { model, manager, prompts, store } = await backbone();
  return createMemoryManager({ model, manager, prompts, store });
}
