import { createHash } from "node:crypto";
import { setImmediate as macrotask } from "node:timers/promises";
import type { ChatEngine } from "../../src/model/chat/chat-onnx.js";
import type { ChatTokenizer } from "../../src/model/checkpoint/tokenizer.js";
import type { EngineInfo, GenerateOptions, GenerateRequest, Generation } from "../../src/model/engine/engine.js";

export const endId = 256;

/** Bytes are ids; 256 ends. Multi-byte characters span tokens, as in real byte-level vocabularies. */
export const byteTokenizer: ChatTokenizer = {
  encode: (text) => [...new TextEncoder().encode(text)],
  decode: (ids) =>
    new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(ids.filter((id) => id < endId))),
  render: (messages, { addGenerationPrompt = true } = {}) =>
    messages.map(({ role, content }) => `${role}: ${content}\n`).join("") + (addGenerationPrompt ? "assistant: " : ""),
  encodeChat: (messages, { reply = "" } = {}) => byteTokenizer.encode(byteTokenizer.render(messages) + reply),
  rendersTools: false,
  stopIds: [endId],
  padId: 0,
};

export interface GenerateCall {
  readonly requests: readonly GenerateRequest[];
  readonly options: GenerateOptions;
}

export interface FakeEngineOptions {
  /** The response to a prompt's last user message; `noise` is "" for greedy calls, else eight characters of the random stream. */
  readonly respond?: (message: string, noise: string) => string;
  readonly contextLength?: number;
}

/** A deterministic engine that yields to the event loop at each token, records its calls, and counts tokens that it computed. */
export class FakeEngine implements ChatEngine {
  readonly info: EngineInfo;
  readonly calls: GenerateCall[] = [];
  readonly versions = new Map<string, number>();
  tokens = 0;
  closed = false;
  /** Set to make the next calls fail. */
  failure: Error | undefined;
  readonly #respond: (message: string, noise: string) => string;
  #running = false;

  constructor({
    respond = (message, noise) => `You said ${message}${noise}`,
    contextLength = 512,
  }: FakeEngineOptions = {}) {
    this.#respond = respond;
    this.info = {
      folder: "models/fake",
      architecture: "llama",
      device: "cpu",
      precision: "float32",
      parameters: 0,
      contextLength,
      vocabularySize: 257,
    };
  }

  async generate(requests: readonly GenerateRequest[], options: GenerateOptions): Promise<Generation[][]> {
    if (this.#running) throw new Error("two generate calls at once");
    this.#running = true;
    this.calls.push({ requests, options });
    try {
      await macrotask();
      if (this.failure) throw this.failure;
      const results: Generation[][] = [];
      for (const request of requests) results.push([await this.#one(request, options)]);
      return results;
    } finally {
      this.#running = false;
    }
  }

  async #one(request: GenerateRequest, { signal, onTokens }: GenerateOptions): Promise<Generation> {
    const prompt = byteTokenizer.decode(request.promptIds);
    const message = /user: ([^\n]*)\nassistant: $/.exec(prompt)?.[1] ?? "";
    const stream = createHash("sha256").update(`${request.seed}`).digest("hex").slice(0, 8);
    const wanted = [...byteTokenizer.encode(this.#respond(message, request.temperature > 0 ? stream : "")), endId];
    const ids = wanted.slice(0, request.maxNewTokens);
    const logprobs = ids.map((_, index) => -(index + 1) / 8);
    for (const [index, id] of ids.entries()) {
      signal?.throwIfAborted();
      this.tokens++;
      onTokens?.([id], [logprobs[index]!]);
      await macrotask();
    }
    return { ids, logprobs, finishReason: ids.length < wanted.length ? "length" : "stop" };
  }

  policyVersion(adapter?: string): string {
    return adapter === undefined ? "base" : `${adapter}@${this.versions.get(adapter) ?? 0}`;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
