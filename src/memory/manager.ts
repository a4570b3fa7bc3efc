import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { END, type LangGraphRunnableConfig, START, StateGraph } from "@langchain/langgraph";
import { ConflictError } from "../errors.js";
import { type Change, MEMORY_STEP_EVENT, type MemoryStepPayload } from "../trace/episode.js";
import { approvedOperations } from "./approval.js";
import { type ManagerRetrieval, retrieveForManager } from "./bank/retrieve.js";
import { stepKeys } from "./bank/step-keys.js";
import { askPolicy, tell } from "./call.js";
import type { Decide } from "./controls.js";
import { aliasesOf, buildManagerPrompt } from "./decision.js";
import { extractFacts } from "./extract.js";
import { decisionText, type ManagerOutput, managerReplier } from "./manager-output.js";
import { parseOperations } from "./parse.js";
import { type AgentOptions, agentRuntime, requireModel } from "./runtime.js";
import { type AgentGraph, type ManagerState, managerState } from "./state.js";

export interface ManagerOptions extends AgentOptions, ManagerRetrieval {
  readonly extractor?: BaseChatModel;
  readonly manager?: BaseChatModel;
  /** Decides in place of a model: `addOnly`, `noop`, or your own function. */
  readonly decide?: Decide;
  /** Maximum number of changes that a model may make in one turn. Default: 8, or the number of facts if that is larger. */
  readonly maxOperations?: number;
  /** Whether memories also store the words of the turns they came from; answer agents then search and see those too. Default false. */
  readonly words?: boolean | undefined;
  /** How the manager's model returns its operations. Default `text`, the form that policies are trained on. */
  readonly managerOutput?: ManagerOutput;
  /** Whether to interrupt the graph before a DELETE, with a `DeleteRequest`, until the user approves it. Default false. */
  readonly approveDeletes?: boolean;
}

/** Decisions anew for one turn, at most. */
const REDONE = 4;

/** The `recursionLimit` that one turn needs at most: `extract`, three steps for each decision, and the end, which counts. */
export const MANAGER_LIMIT = 2 + 3 * (1 + REDONE);

/**
 * Builds the graph that stores one turn in the bank: extract, retrieve, manage, apply. Compile it before use. If a memory
 * to be changed was changed after its retrieval, the graph goes back to retrieve and asks for approval again; a node
 * added after `apply` then sees no `step` yet. If the conflicts persist, a ConflictError ends the run.
 * @param state `managerState`, or an extension that adds your own channels to the graph.
 */
export function createMemoryManager<State extends typeof managerState = typeof managerState>(
  options: ManagerOptions,
  state: State = managerState as State,
): AgentGraph<State, "extract" | "retrieve" | "manage" | "apply"> {
  const runtime = agentRuntime(options);
  const { prompts, id } = runtime;
  const { maxOperations, decide, managerOutput = "text", approveDeletes = false, words } = options;

  async function extract({ turn }: ManagerState, config: LangGraphRunnableConfig) {
    const { facts, unparsable } = await extractFacts(turn, options.extractor ?? options.model, runtime, config);
    const order = turn.order ?? (await runtime.bank(config).nextOrder());
    return {
      pending: { id: id(), facts, order },
      retrieved: [],
      decision: { callId: null, operations: [], unparsable },
      step: undefined,
    };
  }

  async function retrieve({ turn, pending }: ManagerState, config: LangGraphRunnableConfig) {
    return { retrieved: await retrieveForManager(runtime.bank(config), pending!.facts, turn, options) };
  }

  async function manage({ turn, pending, retrieved }: ManagerState, config: LangGraphRunnableConfig) {
    const input = { turn, facts: pending!.facts, retrieved: retrieved! };
    if (decide !== undefined) {
      return { decision: { callId: null, operations: [...decide(input)], unparsable: null } };
    }
    const callId = id();
    const model = managerReplier(requireModel(options.manager ?? options.model, "manager"), managerOutput);
    const messages = buildManagerPrompt(prompts, input);
    const { text, ...policy } = await askPolicy(model, "manager", messages, callId, config, decisionText);
    return {
      decision: {
        callId,
        ...policy,
        ...parseOperations(text, aliasesOf(retrieved!), { facts: input.facts, maxOperations }),
      },
    };
  }

  async function apply({ turn, pending, retrieved, decision }: ManagerState, config: LangGraphRunnableConfig) {
    const bank = runtime.bank(config);
    const { facts: _, recalled: __, order: ___, ...said } = turn;
    const { callId, unparsable, policyVersion = null, probability = null } = decision!;
    const { id: stepId, facts, order, redone = 0 } = pending!;
    const decided = decision!.operations;
    const operations = approveDeletes ? approvedOperations(decided, retrieved!, said) : decided;
    const source = sourceOf(config);
    const provenance = { step: stepId, source, call: callId, policyVersion, probability };
    let changes: Change[];
    try {
      changes = await bank.apply(operations, retrieved!, said, { order, key: stepKeys(stepId), words, provenance });
    } catch (error) {
      if (!(error instanceof ConflictError) || redone === REDONE) throw error;
      return { pending: { ...pending!, redone: redone + 1 } };
    }
    const step: MemoryStepPayload = {
      id: stepId,
      ...(callId === null ? {} : { callId }),
      namespace: [...bank.namespace],
      turn: said,
      order,
      facts,
      retrieved: retrieved!,
      unparsable,
      operations,
      changes,
    };
    await tell(MEMORY_STEP_EVENT, step, config);
    return { step };
  }

  // The nodes know the base state only; an extension's channels pass by them.
  const graph = new StateGraph(state as typeof managerState)
    .addNode("extract", extract, runtime.node)
    .addNode("retrieve", retrieve, runtime.node)
    .addNode("manage", manage, runtime.node)
    .addNode("apply", apply, runtime.node)
    .addEdge(START, "extract")
    .addConditionalEdges("extract", (current) => (current.pending!.facts.length > 0 ? "retrieve" : "apply"), [
      "retrieve",
      "apply",
    ])
    .addEdge("retrieve", "manage")
    .addEdge("manage", "apply")
    .addConditionalEdges("apply", ({ step }) => (step === undefined ? "retrieve" : END), ["retrieve", END]);
  return graph as unknown as AgentGraph<State, "extract" | "retrieve" | "manage" | "apply">;
}

/** The conversation that a run belongs to. */
function sourceOf({ configurable }: LangGraphRunnableConfig): string | null {
  const thread: unknown = configurable?.thread_id;
  return typeof thread === "string" ? thread : null;
}
