import { z } from "zod";
import { tryJson } from "../json-file.js";

/** A run as LangSmith exports it and takes it, as far as traces are read and written here; other fields are ignored. */
export const langSmithRunSchema = z.looseObject({
  id: z.string().min(1),
  name: z.string().default(""),
  run_type: z.string(),
  start_time: z.union([z.string(), z.number()]),
  end_time: z.union([z.string(), z.number()]).nullish(),
  inputs: z.looseObject({}).nullish(),
  outputs: z.looseObject({}).nullish(),
  error: z.string().nullish(),
  extra: z.looseObject({ metadata: z.looseObject({}).nullish() }).nullish(),
  trace_id: z.string().nullish(),
  parent_run_id: z.string().nullish(),
  /** Scores by name, as exports sum them up. */
  feedback_stats: z.record(z.string(), z.looseObject({ avg: z.number().nullish() })).nullish(),
});

export type LangSmithRun = z.infer<typeof langSmithRunSchema>;

const pieces = z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]).nullish();
/** A tool call as LangChain has it, or as OpenAI's API does, whose arguments are JSON in a text. */
const toolCall = z.union([
  z.looseObject({ name: z.string(), args: z.unknown().optional(), id: z.string().nullish() }),
  z
    .looseObject({ id: z.string().nullish(), function: z.looseObject({ name: z.string(), arguments: z.string() }) })
    .transform(({ id, function: { name, arguments: text } }) => ({ name, args: tryJson(text) ?? text, id })),
]);

/** A message in one of three forms: serialised by LangChain, its plain fields, or as OpenAI's API has it. */
const messageSchema = z.union([
  z
    .looseObject({ id: z.array(z.string()), kwargs: z.looseObject({ content: pieces }) })
    .transform(({ id, kwargs }) => ({ ...kwargs, type: id[id.length - 1]! })),
  z
    .looseObject({ type: z.string(), data: z.looseObject({ content: pieces }) })
    .transform(({ type, data }) => ({ ...data, type })),
  z.looseObject({ type: z.string(), content: pieces }),
  z.looseObject({ role: z.string(), content: pieces }).transform(({ role, ...rest }) => ({ ...rest, type: role })),
]);

const fieldsSchema = z.looseObject({
  type: z.string(),
  role: z.string().optional(),
  content: pieces,
  response_metadata: z.looseObject({}).optional().catch(undefined),
  usage_metadata: z.unknown().optional(),
  tool_calls: z.array(toolCall).optional().catch(undefined),
  invalid_tool_calls: z.array(toolCall).optional().catch(undefined),
});

export type PlainMessage = z.infer<typeof fieldsSchema>;

/** The message's fields; undefined where it is none. */
export function plainMessage(value: unknown): PlainMessage | undefined {
  const message = messageSchema.safeParse(value);
  return message.success ? fieldsSchema.safeParse(message.data).data : undefined;
}

/** The text of a message, content blocks joined. */
export function plainText({ content }: Pick<PlainMessage, "content">): string {
  if (typeof content === "string") return content;
  return (content ?? []).map(({ text = "" }) => text).join("");
}

const ROLES: readonly (readonly [RegExp, string])[] = [
  [/^(human|user)/i, "user"],
  [/^(ai|assistant)/i, "assistant"],
  [/^(system|developer)/i, "system"],
  [/^(tool|function)/i, "tool"],
];

/** The role name of chat templates. */
export function plainRole({ type, role }: Pick<PlainMessage, "type" | "role">): string {
  return ROLES.find(([pattern]) => pattern.test(type))?.[1] ?? role ?? type;
}
