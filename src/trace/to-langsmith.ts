import { UsageError } from "../errors.js";
import { eventsByRun, type RunEvent, startedAt } from "./by-run.js";
import type { EpisodeEvent, ModelCall } from "./episode.js";

/** A run in the form that LangSmith's `POST /runs/batch` takes. */
export interface ExportedRun {
  readonly id: string;
  readonly trace_id: string;
  readonly parent_run_id: string | null;
  /** Times and ids from the root to this run, by which LangSmith orders a trace. */
  readonly dotted_order: string;
  readonly name: string;
  readonly run_type: "chain" | "llm";
  readonly start_time: string;
  readonly end_time: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly error: string | null;
  readonly extra: { readonly metadata: Readonly<Record<string, unknown>> };
}

/** Runs of an episode: a root for each graph run, and under it its model calls, memory steps and answers. A pure function. */
export function langSmithRuns(events: readonly EpisodeEvent[]): ExportedRun[] {
  return [...eventsByRun(events)].flatMap(([runId, members]) => {
    const times = members.flatMap((event) => [startedAt(event), event.at]).sort();
    const root = {
      id: uuid(runId),
      trace_id: runId,
      parent_run_id: null,
      dotted_order: order(times[0]!, runId),
      name: "memory-r1",
      run_type: "chain" as const,
      start_time: times[0]!,
      end_time: times[times.length - 1]!,
      inputs: {},
      outputs: {},
      error: null,
      extra: { metadata: metadataOf(members[0]!) },
    };
    // A model call outside of any graph is a trace by itself.
    const own = members.find(({ id }) => id === runId);
    const under = own === undefined ? [root] : [];
    return [...under, ...members.map((event) => runOf(event, event === own ? undefined : root))];
  });
}

function runOf(event: RunEvent, root: ExportedRun | undefined): ExportedRun {
  const start = startedAt(event);
  const own = order(start, uuid(event.id));
  return {
    id: event.id,
    trace_id: event.run.runId,
    parent_run_id: root?.id ?? null,
    dotted_order: root === undefined ? own : `${root.dotted_order}.${own}`,
    start_time: start,
    end_time: event.at,
    error: event.type === "model_call" ? (event.error ?? null) : null,
    extra: { metadata: metadataOf(event) },
    ...contentOf(event),
  };
}

function contentOf(event: RunEvent): Pick<ExportedRun, "name" | "run_type" | "inputs" | "outputs"> {
  if (event.type === "model_call") {
    return {
      name: event.model ?? "model",
      run_type: "llm",
      inputs: { messages: event.messages },
      outputs: outputsOf(event),
    };
  }
  // As the graphs' nodes put them out, so that an import reads them.
  const { type, at: _, run: __, ...result } = event;
  switch (type) {
    case "memory_step":
      return { name: type, run_type: "chain", inputs: { turn: event.turn }, outputs: { step: result } };
    case "answer":
      return { name: type, run_type: "chain", inputs: { question: event.question.text }, outputs: { answer: result } };
    case "undo":
      return { name: type, run_type: "chain", inputs: {}, outputs: { undo: result } };
  }
}

function outputsOf({
  text,
  toolCalls = [],
  usage,
  promptIds,
  responseIds,
  logprobs,
  ...call
}: ModelCall): Record<string, unknown> {
  const response_metadata = withoutUndefined({
    model_name: call.model,
    prompt_ids: promptIds,
    response_ids: responseIds,
    response_logprobs: logprobs,
    finish_reason: call.finishReason,
    policy_version: call.policyVersion,
    sampling: call.sampling,
  });
  const usage_metadata = usage && {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
  const data = withoutUndefined({ content: text, tool_calls: toolCalls, usage_metadata, response_metadata });
  return { generations: [[{ text, message: { type: "ai", data } }]] };
}

function metadataOf(event: RunEvent): Record<string, unknown> {
  const { threadId, checkpointId, checkpointNamespace, node } = event.run;
  return withoutUndefined({
    thread_id: threadId,
    checkpoint_id: checkpointId,
    langgraph_checkpoint_ns: checkpointNamespace,
    langgraph_node: node,
    ...(event.type === "model_call" ? { memory_r1_role: event.role, ls_model_name: event.model } : {}),
  });
}

const withoutUndefined = (values: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

/** "20240102T030405678000Z" and the id. */
const order = (time: string, id: string): string => `${time.replace(/[-:.]|Z$/g, "").padEnd(21, "0")}Z${id}`;

function uuid(id: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return id;
  throw new UsageError({
    what: "LangSmith takes UUIDs only",
    where: "id of an event",
    found: id,
    remedy: "record with the agents' default ids",
  });
}
