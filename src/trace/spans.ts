import { createHash } from "node:crypto";
import { eventsByRun, type RunEvent, startedAt } from "./by-run.js";
import type { EpisodeEvent, ModelCall } from "./episode.js";

export type SpanAttributeValue =
  | { readonly stringValue: string }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly SpanAttributeValue[] } };

export interface SpanAttribute {
  readonly key: string;
  readonly value: SpanAttributeValue;
}

/** One span in OTLP's JSON form. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** 1 internal, 3 client. */
  readonly kind: 1 | 3;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly SpanAttribute[];
  /** 0 unset, 2 error. */
  readonly status: { readonly code: 0 | 2; readonly message?: string };
}

/** The body that an OTLP/HTTP endpoint takes at /v1/traces as JSON. */
export interface SpanExport {
  readonly resourceSpans: readonly [
    {
      readonly resource: { readonly attributes: readonly SpanAttribute[] };
      readonly scopeSpans: readonly [{ readonly scope: { readonly name: string }; readonly spans: readonly Span[] }];
    },
  ];
}

export interface SpanOptions {
  /** Name of the service that ran the agents. Default "langgraph-memory-r1". */
  readonly serviceName?: string;
  /** Whether spans contain prompts, replies, facts and memories, which may be private. Default false. */
  readonly content?: boolean;
}

/**
 * An episode as OpenTelemetry spans with the attributes of the semantic conventions for generative AI (gen_ai.*): one
 * trace for each graph run, a root "invoke_agent", and under it a "chat" for each model call and an "execute_tool" for
 * each memory step. What the conventions have no name for is under memory_r1.*. Span ids derive from the events' ids:
 * exporting an episode twice gives the same spans. Pure function.
 */
export function exportSpans(
  events: readonly EpisodeEvent[],
  { serviceName = "langgraph-memory-r1", content = false }: SpanOptions = {},
): SpanExport {
  const rewards = new Map<string, SpanAttribute[]>();
  for (const event of events) {
    if (event.type !== "reward") continue;
    const reward = number(`memory_r1.reward.${event.name}`, event.value);
    rewards.set(event.of, [...(rewards.get(event.of) ?? []), reward]);
  }
  const spans = [...eventsByRun(events)].flatMap(([runId, members]) => {
    const children = members.map((event) =>
      spanOf(event, [...describe(event, content), ...(rewards.get(event.id) ?? [])]),
    );
    return [rootOf(runId, members), ...children];
  });
  const scopeSpans = [{ scope: { name: "langgraph-memory-r1" }, spans }] as const;
  return { resourceSpans: [{ resource: { attributes: [text("service.name", serviceName)] }, scopeSpans }] };
}

function rootOf(runId: string, members: readonly RunEvent[]): Span {
  const times = members.flatMap((event) => [startedAt(event), event.at]).sort();
  const thread = members.find(({ run }) => run.threadId !== undefined)?.run.threadId;
  return {
    traceId: traceId(runId),
    spanId: spanId(`root ${runId}`),
    name: "invoke_agent memory-r1",
    kind: 1,
    startTimeUnixNano: nanoseconds(times[0]!),
    endTimeUnixNano: nanoseconds(times[times.length - 1]!),
    attributes: [
      text("gen_ai.operation.name", "invoke_agent"),
      text("gen_ai.agent.name", "memory-r1"),
      ...optionalText("gen_ai.conversation.id", thread),
    ],
    status: { code: 0 },
  };
}

function spanOf(event: RunEvent, attributes: readonly SpanAttribute[]): Span {
  const { runId, threadId } = event.run;
  const error = event.type === "model_call" ? event.error : undefined;
  const model = event.type === "model_call" ? (event.model ?? "") : "";
  const names = {
    model_call: `chat ${model}`.trim(),
    memory_step: "execute_tool manage_memory",
    answer: "memory_r1.answer",
    undo: "memory_r1.undo",
  };
  return {
    traceId: traceId(runId),
    spanId: spanId(event.id),
    parentSpanId: spanId(`root ${runId}`),
    name: names[event.type],
    kind: event.type === "model_call" ? 3 : 1,
    startTimeUnixNano: nanoseconds(startedAt(event)),
    endTimeUnixNano: nanoseconds(event.at),
    attributes: [
      ...attributes,
      ...optionalText("gen_ai.conversation.id", threadId),
      ...optionalText("memory_r1.node", event.run.node),
    ],
    status: error === undefined ? { code: 0 } : { code: 2, message: error },
  };
}

function describe(event: RunEvent, content: boolean): SpanAttribute[] {
  if (event.type === "model_call") return describeCall(event, content);
  if (event.type === "memory_step") {
    const { id, callId, turn, changes, unparsable, retrieved, facts } = event;
    return [
      text("gen_ai.operation.name", "execute_tool"),
      text("gen_ai.tool.name", "manage_memory"),
      text("gen_ai.tool.call.id", callId ?? id),
      text("memory_r1.turn.id", turn.id),
      integer("memory_r1.facts", facts.length),
      integer("memory_r1.retrieved", retrieved.length),
      ...(["ADD", "UPDATE", "DELETE"] as const).map((name) =>
        integer(`memory_r1.changes.${name.toLowerCase()}`, changes.filter(({ event: kind }) => kind === name).length),
      ),
      ...optionalText("memory_r1.unparsable", unparsable ?? undefined),
      ...(content ? [text("gen_ai.tool.call.result", JSON.stringify(changes))] : []),
    ];
  }
  if (event.type === "undo") {
    return [integer("memory_r1.undoes", event.undoes.length), integer("memory_r1.changes", event.changes.length)];
  }
  const { question, retrieved, selected, answer, unparsable } = event;
  return [
    text("memory_r1.question.id", question.id),
    integer("memory_r1.retrieved", retrieved.length),
    integer("memory_r1.selected", selected.length),
    ...optionalText("memory_r1.unparsable", unparsable ?? undefined),
    ...(content ? [text("memory_r1.question", question.text), text("memory_r1.answer", answer)] : []),
  ];
}

function describeCall(call: ModelCall, content: boolean): SpanAttribute[] {
  const { sampling, usage, promptIds, responseIds, finishReason, messages } = call;
  const part = (of: string) => [{ type: "text", content: of }];
  const output = [{ role: "assistant", parts: part(call.text), finish_reason: finishReason ?? "" }];
  return [
    text("gen_ai.operation.name", "chat"),
    ...optionalText("gen_ai.agent.name", call.role),
    ...optionalText("gen_ai.request.model", call.model),
    ...optionalText("gen_ai.response.model", call.model),
    text("gen_ai.response.id", call.id),
    ...(sampling?.temperature === undefined ? [] : [number("gen_ai.request.temperature", sampling.temperature)]),
    ...optionalInteger("gen_ai.request.max_tokens", sampling?.maxNewTokens),
    ...optionalInteger("gen_ai.request.seed", sampling?.seed),
    ...(sampling?.stop === undefined ? [] : [list("gen_ai.request.stop_sequences", sampling.stop)]),
    ...(finishReason === undefined ? [] : [list("gen_ai.response.finish_reasons", [finishReason])]),
    ...optionalInteger("gen_ai.usage.input_tokens", usage?.inputTokens ?? promptIds?.length),
    ...optionalInteger("gen_ai.usage.output_tokens", usage?.outputTokens ?? responseIds?.length),
    ...optionalText("memory_r1.policy_version", call.policyVersion),
    ...(call.error === undefined ? [] : [text("error.type", "_OTHER")]),
    ...(content
      ? [
          text(
            "gen_ai.input.messages",
            JSON.stringify(messages.map(({ role, content: said }) => ({ role, parts: part(said) }))),
          ),
          text("gen_ai.output.messages", JSON.stringify(output)),
        ]
      : []),
  ];
}

const text = (key: string, stringValue: string): SpanAttribute => ({ key, value: { stringValue } });
const integer = (key: string, value: number): SpanAttribute => ({ key, value: { intValue: String(value) } });
const number = (key: string, doubleValue: number): SpanAttribute => ({ key, value: { doubleValue } });
const list = (key: string, values: readonly string[]): SpanAttribute => ({
  key,
  value: { arrayValue: { values: values.map((stringValue) => ({ stringValue })) } },
});

/** The attribute where there is a value, else none. */
const optionalText = (key: string, value: string | undefined): SpanAttribute[] =>
  value === undefined ? [] : [text(key, value)];
const optionalInteger = (key: string, value: number | undefined): SpanAttribute[] =>
  value === undefined ? [] : [integer(key, value)];

const nanoseconds = (time: string): string => `${BigInt(Date.parse(time)) * 1_000_000n}`;
const digest = (of: string): string => createHash("sha256").update(of).digest("hex");

/** 16 bytes: the run's own UUID where it is one. */
function traceId(runId: string): string {
  const bare = runId.replaceAll("-", "").toLowerCase();
  return /^[0-9a-f]{32}$/.test(bare) ? bare : digest(runId).slice(0, 32);
}

const spanId = (id: string): string => digest(id).slice(0, 16);
