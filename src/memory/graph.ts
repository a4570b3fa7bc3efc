import { END, type LangGraphRunnableConfig, START, StateGraph } from "@langchain/langgraph";
import { UsageError } from "../errors.js";
import { type AnswerOptions, createAnswerAgent } from "./answer.js";
import { createMemoryManager, type ManagerOptions } from "./manager.js";
import { agentRuntime } from "./runtime.js";
import { type AgentGraph, type MemoryState, memoryState } from "./state.js";
import { storeTurn } from "./store-turn.js";

export type MemoryGraphOptions = ManagerOptions & AnswerOptions;

/** Steps of the graph besides one for each turn. */
const OTHER_STEPS = 3;

/**
 * Builds the graph that stores turns in the bank, one after another, and then answers a question from it; either may be
 * absent. Compile it before use. Each turn is a separate step, so that a checkpointer resumes after the last applied
 * turn; many turns in one run need a `recursionLimit`.
 * @param state `memoryState`, or an extension that adds your own channels to the graph.
 */
export function createMemoryGraph<State extends typeof memoryState = typeof memoryState>(
  options: MemoryGraphOptions,
  state: State = memoryState as State,
): AgentGraph<State, "begin" | "remember" | "reply"> {
  const runtime = agentRuntime(options);
  const manager = createMemoryManager(options).compile();
  const answerer = createAnswerAgent(options).compile();

  function begin({ turns }: MemoryState, { recursionLimit }: LangGraphRunnableConfig) {
    const needed = turns.length + OTHER_STEPS;
    if (recursionLimit !== undefined && needed > recursionLimit) {
      throw new UsageError({
        what: "there are more turns than the run may take steps",
        where: "config.recursionLimit",
        expected: `at least ${needed} for ${turns.length} turns`,
        found: String(recursionLimit),
        remedy: `invoke with { recursionLimit: ${needed} }`,
      });
    }
    return { steps: [], answer: null };
  }

  async function remember({ turns, steps }: MemoryState, config: LangGraphRunnableConfig) {
    const [turn, ...rest] = turns;
    const step = await storeTurn(manager, runtime.bank(config), turn!, config);
    return { turns: rest, steps: [...steps, step] };
  }

  async function answer({ question, speakers }: MemoryState, config: LangGraphRunnableConfig) {
    const input = { question: question!, ...(speakers === null ? {} : { speakers }) };
    const { answer } = await answerer.invoke(input, config);
    // The next run of the thread asks of all speakers again, unless it names some.
    return { answer, question: null, speakers: null };
  }

  function next({ turns, question }: MemoryState) {
    if (turns.length > 0) {
      return "remember";
    }
    return question ? "reply" : END;
  }

  // The nodes know the base state only; an extension's channels pass by them.
  const graph = new StateGraph(state as typeof memoryState)
    .addNode("begin", begin)
    .addNode("remember", remember)
    .addNode("reply", answer)
    .addEdge(START, "begin")
    .addConditionalEdges("begin", next, ["remember", "reply", END])
    .addConditionalEdges("remember", next, ["remember", "reply", END])
    .addEdge("reply", END);
  return graph as unknown as AgentGraph<State, "begin" | "remember" | "reply">;
}
