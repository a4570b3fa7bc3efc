import { ChatOllama } from "@langchain/ollama";
import { ChatOpenAI } from "@langchain/openai";
import { type JsonServer, jsonServer, type Sent } from "./json-server.js";

/** What a fake model says: text, a tool call with its arguments as JSON, or nothing at all. */
export type Said =
  | { readonly text: string }
  | { readonly tool: string; readonly arguments: string }
  | { readonly status: number };

export interface FakeServer<Model> extends JsonServer {
  readonly model: Model;
}

const usage = { prompt_tokens: 21, completion_tokens: 4, total_tokens: 25 };

/** A server that speaks OpenAI's chat completions, whole and as server-sent events. */
export async function openAiServer(
  say: (body: Record<string, unknown>) => Said,
  options: object = {},
): Promise<FakeServer<ChatOpenAI>> {
  const server = await jsonServer((body) => (body.stream === true ? streamed(say(body)) : whole(say(body))));
  const model = new ChatOpenAI({
    model: "fake-openai",
    apiKey: "none",
    maxRetries: 0,
    configuration: { baseURL: `${server.url}/v1` },
    ...options,
  });
  return { ...server, model };
}

function whole(said: Said): Sent {
  if ("status" in said)
    return { status: said.status, type: "application/json", pieces: ['{"error":{"message":"overloaded"}}'] };
  const choice = { index: 0, message: messageOf(said), finish_reason: "tool" in said ? "tool_calls" : "stop" };
  const body = { id: "c1", object: "chat.completion", created: 1, model: "fake-openai-0001", choices: [choice], usage };
  return { type: "application/json", pieces: [JSON.stringify(body)] };
}

function messageOf(said: Exclude<Said, { status: number }>): object {
  if ("text" in said) return { role: "assistant", content: said.text };
  const call = { id: "call_1", type: "function", function: { name: said.tool, arguments: said.arguments } };
  return { role: "assistant", content: null, tool_calls: [call] };
}

function streamed(said: Said): Sent {
  if ("status" in said) return whole(said);
  const chunk = (delta: object, finish: string | null = null) =>
    JSON.stringify({
      id: "c1",
      object: "chat.completion.chunk",
      created: 1,
      model: "fake-openai-0001",
      choices: [{ index: 0, delta, finish_reason: finish }],
    });
  const text = "text" in said ? said.text : said.arguments;
  const deltas = piecesOf(text).map((part, index) =>
    "text" in said
      ? { content: part }
      : {
          tool_calls: [
            {
              index: 0,
              ...(index === 0 ? { id: "call_1", type: "function" } : {}),
              function: { ...(index === 0 ? { name: said.tool } : {}), arguments: part },
            },
          ],
        },
  );
  const counted = JSON.stringify({
    id: "c1",
    object: "chat.completion.chunk",
    created: 1,
    model: "fake-openai-0001",
    choices: [],
    usage,
  });
  const events = [
    chunk({ role: "assistant", content: "" }),
    ...deltas.map((delta) => chunk(delta)),
    chunk({}, "tool" in said ? "tool_calls" : "stop"),
    counted,
    "[DONE]",
  ];
  return { type: "text/event-stream", pieces: events.map((event) => `data: ${event}\n\n`) };
}

/** A server that speaks Ollama's chat: lines of JSON. */
export async function ollamaServer(say: (body: Record<string, unknown>) => Said): Promise<FakeServer<ChatOllama>> {
  const server = await jsonServer((body) => {
    const said = say(body);
    if ("status" in said) return { status: said.status, type: "application/json", pieces: ['{"error":"overloaded"}'] };
    const at = { model: "fake-ollama", created_at: "2024-01-02T03:04:05Z" };
    const parts = "text" in said ? piecesOf(said.text).map((content) => ({ role: "assistant", content })) : [];
    const calls =
      "tool" in said
        ? [
            {
              role: "assistant",
              content: "",
              tool_calls: [{ function: { name: said.tool, arguments: JSON.parse(said.arguments) } }],
            },
          ]
        : [];
    const lines = [
      ...[...parts, ...calls].map((message) => ({ ...at, message, done: false })),
      {
        ...at,
        message: { role: "assistant", content: "" },
        done: true,
        done_reason: "stop",
        prompt_eval_count: 21,
        eval_count: 4,
        total_duration: 1,
        load_duration: 1,
        prompt_eval_duration: 1,
        eval_duration: 1,
      },
    ];
    return { type: "application/x-ndjson", pieces: lines.map((line) => `${JSON.stringify(line)}\n`) };
  });
  return { ...server, model: new ChatOllama({ model: "fake-ollama", baseUrl: server.url, maxRetries: 0 }) };
}

/** Short pieces, and no more than a hundred. */
function piecesOf(text: string): string[] {
  const size = Math.max(7, Math.ceil(text.length / 100));
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
    text.slice(index * size, (index + 1) * size),
  );
}
