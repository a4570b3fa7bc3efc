import { createAnswerAgent } from "../src/index.js";
import { backbone } from "./backbone.js";

/**
 * Answers one question from the bank.
 *
 *     { question: { id: "1", text: "Where does Ana live?" } }
 *
 * gives `answer`: the memories that were shown, those that the model selected, and its answer.
 * The bank is that of `configurable.user_id`, or else of the thread.
 */
export async function graph() {
  const { model, answerer, prompts, store } = await backbone();
  return createAnswerAgent({ model, answerer, prompts, store });
}
