import { readFileSync } from "node:fs";
import { FileError } from "../errors.js";
import { parseAs, parseLine, tryJson } from "../json-file.js";
import { type EpisodeEvent, episodeEventSchema, type ModelCall } from "./episode.js";
import {
  type LangSmithRun,
  langSmithRunSchema,
  type PlainMessage,
  plainMessage,
  plainRole,
  plainText,
} from "./langsmith-runs.js";
import { type CallParts, defined, metadataSchema, replyParts, runFields } from "./model-call.js";
import { ROLE_METADATA } from "./role.js";

/**
 * Converts runs exported from LangSmith to episode events, in the order in which the runs ended: a `model_call` for each
 * model run, a `memory_step`, an `answer` or an `undo` for each run of this package that did one (its output holds it),
 * and a `reward` for each feedback on such a run. Other runs contribute only their model calls. Pure function.
 * @throws FileError naming the entry that is not a run.
 */
export function episodesFromLangSmith(runs: readonly unknown[], where = "runs"): EpisodeEvent[] {
  const read = runs.map((run, index) => readRun(run, `${where}, run ${index + 1}`));
  const events = new Map<string, EpisodeEvent>();
  for (const run of read.toSorted((a, b) => endOf(a) - endOf(b) || startOf(a) - startOf(b))) {
    for (const event of eventsOf(run)) if (!events.has(event.id)) events.set(event.id, event);
  }
  return [...events.values()];
}

/** The runs of an export file: a JSON array, an object with `runs`, or JSON lines. @throws FileError naming file and line. */
export function readLangSmithRuns(path: string): unknown[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new FileError({ what: "the export cannot be read", where: path, remedy: "check the path", cause });
  }
  const whole = tryJson(text);
  if (Array.isArray(whole)) return whole;
  if (typeof whole === "object" && whole !== null) {
    return "runs" in whole && Array.isArray(whole.runs) ? whole.runs : [whole];
  }
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    const value = parseLine(line, {
      what: "the line is not JSON",
      where: `${path}:${index + 1}`,
      expected: "one run as a JSON object, or the whole file as a JSON array",
      remedy: "export the runs again",
    });
    return [value];
  });
}

function readRun(value: unknown, where: string): LangSmithRun {
  return parseAs(langSmithRunSchema, value, "the run", {
    what: "this is no LangSmith run",
    where,
    expected: "an object with id, run_type and start_time",
    remedy: "export runs with the LangSmith client (`listRuns`) or its bulk export",
  });
}

const timeOf = (time: string | number | null | undefined, otherwise: number): number => {
  // Exports write UTC without saying so.
  const value =
    typeof time === "string" ? Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(time) ? time : `${time}Z`) : (time ?? Number.NaN);
  return Number.isNaN(value) ? otherwise : value;
};
const startOf = (run: LangSmithRun): number => timeOf(run.start_time, 0);
const endOf = (run: LangSmithRun): number => timeOf(run.end_time, startOf(run));

function eventsOf(run: LangSmithRun): EpisodeEvent[] {
  const at = new Date(endOf(run)).toISOString();
  const common = { at, run: runFields(run.trace_id ?? run.id, run.extra?.metadata) };
  if (run.run_type === "llm") {
    return [{ ...callOf(run), ...common, startedAt: new Date(startOf(run)).toISOString() }];
  }
  const outputs = run.outputs ?? {};
  const found = [
    { ...(outputs.step as object), type: "memory_step", ...common },
    { ...(outputs.answer as object), type: "answer", ...common },
    { ...(outputs.undo as object), type: "undo", ...common },
  ].flatMap((value) => {
    const event = episodeEventSchema.safeParse(value);
    return event.success ? [event.data] : [];
  });
  const rewards = found.flatMap(({ id: of }) =>
    Object.entries(run.feedback_stats ?? {}).flatMap(([name, { avg }]) =>
      typeof avg === "number" ? [{ type: "reward" as const, id: `${of}/${name}`, at, of, name, value: avg }] : [],
    ),
  );
  return [...found, ...rewards];
}

function callOf({ id, inputs, outputs, error, extra }: LangSmithRun): CallParts {
  const metadata = metadataSchema.parse(extra?.metadata ?? {});
  const [reply, text] = replyOf(outputs ?? {});
  const parts = replyParts(reply?.response_metadata, reply?.usage_metadata);
  const calls = [...(reply?.tool_calls ?? []), ...(reply?.invalid_tool_calls ?? [])].map(({ name, args, id: callId }) =>
    defined({ name, args: args ?? {}, id: callId ?? undefined }),
  );
  return defined({
    type: "model_call" as const,
    id,
    role: metadata[ROLE_METADATA],
    messages: promptOf(inputs ?? {}),
    text,
    toolCalls: calls.length === 0 ? undefined : calls,
    ...parts,
    model: parts.model ?? metadata.ls_model_name,
    error: error ?? undefined,
  });
}

function promptOf({ messages, prompts }: Record<string, unknown>): ModelCall["messages"] {
  if (Array.isArray(messages)) {
    const list: unknown[] = Array.isArray(messages[0]) ? messages[0] : messages;
    return list.flatMap((value) => {
      const message = plainMessage(value);
      return message === undefined ? [] : [{ role: plainRole(message), content: plainText(message) }];
    });
  }
  return Array.isArray(prompts) ? prompts.map((content) => ({ role: "user", content: String(content) })) : [];
}

/** LangChain's `generations`, OpenAI's `choices`, or a message by itself. */
function replyOf(outputs: Record<string, unknown>): [PlainMessage | undefined, string] {
  const { generations, choices } = outputs as { generations?: unknown[]; choices?: { message?: unknown }[] };
  const first = Array.isArray(generations) ? [generations[0]].flat()[0] : undefined;
  const generation = first as { text?: string; message?: unknown } | undefined;
  const message = plainMessage(generation?.message ?? choices?.[0]?.message ?? outputs.message ?? outputs.output);
  return [message, generation?.text ?? (message === undefined ? "" : plainText(message))];
}
