import { createMemoryGraph } from "../src/index.js";
import { backbone } from "./backbone.js";

/**
 * Takes turns into the bank, one after another, and then answers a question from it; either may be absent.
 *
 *     {
 *       turns: [{ id: "1", speaker: "Ana", text: "I moved to Oslo", time: "7 May 2023" }],
 *       question: { id: "1", text: "Where does Ana live?" },
 *     }
 *
 * gives `steps` and `answer`. The bank is that of `configurable.user_id`, or else of the thread.
 */
export async function graph() {
  return createMemoryGraph(await backbone());
}
