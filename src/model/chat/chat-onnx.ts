import { basename } from "node:path";
import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import type { BaseLanguageModelInput } from "@langchain/core/language_models/base";
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BaseChatModelParams,
  type BindToolsInput,
  type LangSmithParams,
} from "@langchain/core/language_models/chat_models";
import { convertChunksToEvents } from "@langchain/core/language_models/compat";
import type { ChatModelStreamEvent } from "@langchain/core/language_models/event";
import { AIMessageChunk, type BaseMessage, type StandardMessageStructure } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import type { Runnable } from "@langchain/core/runnables";
import { ContextLengthError, UsageError } from "../../errors.js";
import { hashWeights } from "../../hash.js";
import type { DeviceChoice } from "../../onnx/devices.js";
import { type ChatTokenizer, loadTokenizer } from "../checkpoint/tokenizer.js";
import { abortError } from "../engine/abort.js";
import type { GenerateOptions, PolicyEngine } from "../engine/engine.js";
import type { Precision } from "../graph/precision.js";
import { callbackStream } from "./callback-stream.js";
import { type ChatCall, type ChatOutcome, outcomeOf, readRest } from "./chat-call.js";
import { toChatTurns } from "./chat-messages.js";
import { callReader, piecesOf, wholeMessage } from "./chat-reply.js";
import { type ChatSampling, checkSampling, promptSeed } from "./chat-sampling.js";
import { type ChatTool, chatTools, replyBeginning } from "./chat-tools.js";
import { type BatchedResult, batcherOf, type GeneratingEngine } from "./request-batcher.js";
import { ResponseReader } from "./response-reader.js";
import type { ReadPiece } from "./tool-call-reader.js";

/** The part of a policy engine that a chat model needs. */
export type ChatEngine = GeneratingEngine & Pick<PolicyEngine, "close">;

export interface ChatOnnxFields extends BaseChatModelParams, Partial<ChatSampling> {
  readonly engine: ChatEngine;
  readonly tokenizer: ChatTokenizer;
  /** Name of an adapter that the engine has; absent means the base model. */
  readonly adapter?: string;
  /** Distinguishes this adapter from others of the same name in a reply cache; for example a hash of its weights. */
  readonly adapterId?: string;
}

/** Options of one call; everything else is set on the model. */
export interface ChatOnnxCallOptions extends BaseChatModelCallOptions {
  readonly temperature?: number;
  readonly maxNewTokens?: number;
  readonly seed?: number;
  /** Tools in the form that `bindTools` produces. Which one is called: `tool_choice` "auto" (default), "none", "any", or a tool's name. */
  readonly tools?: readonly ChatTool[];
}

export interface ChatOnnxLoadOptions extends BaseChatModelParams, Partial<ChatSampling> {
  /** A Hugging Face checkpoint. */
  readonly folder: string;
  /** Folder of a peft LoRA adapter; it is named after the folder. */
  readonly adapter?: string;
  readonly device?: DeviceChoice;
  /** Precision of weights and activations. Default: float32 on CPU and WebGPU, bfloat16 on CUDA. */
  readonly precision?: Precision;
}

/** LangChain chat model over a local policy engine. Concurrent calls are batched; the same seed and prompt give the same response. */
export class ChatOnnx extends BaseChatModel<ChatOnnxCallOptions> {
  readonly engine: ChatEngine;
  readonly tokenizer: ChatTokenizer;
  readonly adapter: string | undefined;
  readonly adapterId: string | undefined;
  readonly sampling: ChatSampling;

  static override lc_name(): string {
    return "ChatOnnx";
  }

  constructor(fields: ChatOnnxFields) {
    super(fields);
    const { engine, tokenizer, adapter, adapterId, temperature = 0, maxNewTokens = 256, seed = 0, stop = [] } = fields;
    this.engine = engine;
    this.tokenizer = tokenizer;
    this.adapter = adapter;
    this.adapterId = adapterId;
    this.sampling = checkSampling({ temperature, maxNewTokens, seed, stop });
  }

  /** Opens a checkpoint, with an adapter if given, in an engine of its own; `close` it when done. @throws FileError or EngineError. */
  static async load(options: ChatOnnxLoadOptions): Promise<ChatOnnx> {
    const { folder, adapter, device, precision, ...fields } = options;
    const tokenizer = await loadTokenizer(folder);
    // Only who loads a model this way needs the runtime.
    const { openEngine } = await import("../engine/open-engine.js");
    const engine = await openEngine({
      folder,
      ...(device === undefined ? {} : { device }),
      ...(precision === undefined ? {} : { precision }),
    });
    if (adapter === undefined) return new ChatOnnx({ ...fields, engine, tokenizer });
    try {
      const name = basename(adapter);
      await engine.loadAdapter(name, adapter);
      return new ChatOnnx({ ...fields, engine, tokenizer, adapter: name, adapterId: await hashWeights(adapter) });
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.engine.close();
  }

  override _llmType(): string {
    return "onnx";
  }

  /**
   * Identifies the policy exactly, so that a response cache is not used beyond a training step, or for another adapter of
   * the same name.
   */
  override _identifyingParams(): Record<string, unknown> {
    const { folder } = this.engine.info;
    const adapter = this.adapterId === undefined ? {} : { adapter_id: this.adapterId };
    return { folder, policy_version: this.engine.policyVersion(this.adapter), ...adapter, ...this.sampling };
  }

  override get callKeys(): string[] {
    return [...super.callKeys, "temperature", "maxNewTokens", "seed", "tools"];
  }

  override invocationParams(options?: this["ParsedCallOptions"]): ChatSampling & { model: string } {
    const { tools, tool_choice } = options ?? {};
    const called = tools === undefined ? {} : { tools, tool_choice };
    return { model: this.#modelName, ...this.#samplingOf(options), ...called };
  }

  /**
   * A model that may call these tools, for checkpoints whose chat template renders tools in the Hermes format, such as
   * Qwen2.5 and Qwen3. A `tool_choice` of "any" or of a tool's name makes the reply begin with such a call.
   * @throws UsageError for other templates.
   */
  override bindTools(
    tools: BindToolsInput[],
    kwargs: Partial<ChatOnnxCallOptions> = {},
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, ChatOnnxCallOptions> {
    // An agent without tools binds none, which any template can show.
    if (tools.length > 0 && !this.tokenizer.rendersTools) {
      throw new UsageError({
        what: "this chat model has no tools",
        where: this.#modelName,
        expected: "a checkpoint whose chat template renders `tools` and marks calls by <tool_call>, such as Qwen2.5",
        remedy: "use another checkpoint, or ask for JSON in the reply's text",
      });
    }
    const bound = chatTools(tools);
    replyBeginning(kwargs.tool_choice, bound);
    return this.withConfig({ ...kwargs, tools: bound } as Partial<ChatOnnxCallOptions>) as Runnable<
      BaseLanguageModelInput,
      AIMessageChunk,
      ChatOnnxCallOptions
    >;
  }

  override getLsParams(options: this["ParsedCallOptions"]): LangSmithParams {
    const { temperature, maxNewTokens } = this.#samplingOf(options);
    return {
      ...super.getLsParams(options),
      ls_model_name: this.#modelName,
      ls_temperature: temperature,
      ls_max_tokens: maxNewTokens,
    };
  }

  override async _generate(messages: BaseMessage[], options: this["ParsedCallOptions"]): Promise<ChatResult> {
    const call = this.#call(messages, options);
    const { generations, policyVersion } = await this.#submit(call, options.signal);
    const { text, finishReason } = readRest(call.reader, generations);
    const outcome = outcomeOf(call, finishReason, policyVersion);
    const message = wholeMessage(call, text, outcome);
    const { input_tokens, output_tokens, total_tokens } = outcome.usage_metadata;
    const tokenUsage = { promptTokens: input_tokens, completionTokens: output_tokens, totalTokens: total_tokens };
    return { generations: [{ text, message }], llmOutput: { tokenUsage } };
  }

  /** One chunk per piece of text; the last chunk is empty and carries usage and metadata. */
  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const call = this.#call(messages, options);
    const outcome = yield* this.#streamText(call, options.signal, async ({ text, calls }) => {
      const tool_call_chunks = [...calls];
      const message = new AIMessageChunk({ content: text, ...(calls.length === 0 ? {} : { tool_call_chunks }) });
      const chunk = new ChatGenerationChunk({ text, message });
      await runManager?.handleLLMNewToken(text, undefined, undefined, undefined, undefined, { chunk });
      return chunk;
    });
    const message = new AIMessageChunk<StandardMessageStructure>({ content: "", ...outcome });
    yield new ChatGenerationChunk({ text: "", message });
  }

  /** LangChain's own conversion drops the response metadata, which holds the token ids. */
  override async *_streamChatModelEvents(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatModelStreamEvent> {
    const chunks = this._streamResponseChunks(messages, options, runManager);
    let responseMetadata: Record<string, unknown> = {};
    const watched = async function* (): AsyncGenerator<ChatGenerationChunk> {
      for await (const chunk of chunks) {
        responseMetadata = { ...responseMetadata, ...chunk.message.response_metadata };
        yield chunk;
      }
    };
    for await (const event of convertChunksToEvents(watched(), options.signal ? { signal: options.signal } : {})) {
      if (event.event !== "message-finish") yield event;
      else
        yield { ...event, reason: responseMetadata.finish_reason === "length" ? "length" : "stop", responseMetadata };
    }
  }

  async *#streamText<Chunk>(
    call: ChatCall,
    signal: AbortSignal | undefined,
    emit: (piece: ReadPiece) => Promise<Chunk>,
  ): AsyncGenerator<Chunk, ChatOutcome> {
    const { reader } = call;
    const given = async function* (text: string, end = false): AsyncGenerator<Chunk> {
      for (const piece of piecesOf(call, text, end)) yield await emit(piece);
    };
    // Fires when a stop string came or the consumer went away: nobody wants the rest.
    const enough = new AbortController();
    const either = signal ? AbortSignal.any([signal, enough.signal]) : enough.signal;
    const tokens = callbackStream<[readonly number[], readonly number[]], BatchedResult>((push) =>
      this.#submit(call, either, (ids, logprobs) => push([ids, logprobs])),
    );
    let policyVersion: string | undefined;
    try {
      for (;;) {
        const step = await tokens.next();
        if (signal?.aborted) throw abortError(signal);
        if (step.done) {
          const { text, finishReason } = readRest(reader, step.value.generations);
          yield* given(text, true);
          return outcomeOf(call, finishReason, step.value.policyVersion);
        }
        // Read while the engine is at it: the adapter cannot change before it has finished.
        policyVersion ??= this.engine.policyVersion(this.adapter);
        yield* given(reader.push(...step.value), reader.stopped);
        if (reader.stopped) return outcomeOf(call, "stop", policyVersion);
      }
    } finally {
      enough.abort();
    }
  }

  get #modelName(): string {
    return basename(this.engine.info.folder);
  }

  #samplingOf(options: Partial<ChatOnnxCallOptions> = {}): ChatSampling {
    return checkSampling({
      temperature: options.temperature ?? this.sampling.temperature,
      maxNewTokens: options.maxNewTokens ?? this.sampling.maxNewTokens,
      seed: options.seed ?? this.sampling.seed,
      stop: options.stop ?? this.sampling.stop,
    });
  }

  #call(messages: readonly BaseMessage[], options: this["ParsedCallOptions"]): ChatCall {
    if (options.signal?.aborted) throw abortError(options.signal);
    const sampling = this.#samplingOf(options);
    const tools = options.tool_choice === "none" ? [] : (options.tools ?? []);
    const reply = replyBeginning(options.tool_choice, tools);
    const turns = toChatTurns(messages, { tools: this.tokenizer.rendersTools });
    const promptIds = this.tokenizer.encodeChat(turns, { tools, reply });
    const { contextLength } = this.engine.info;
    if (promptIds.length + sampling.maxNewTokens > contextLength) {
      throw new ContextLengthError({
        what: "the prompt and its response do not fit the model's context",
        where: this.#modelName,
        expected: `at most ${contextLength} tokens`,
        found: `${promptIds.length} of the prompt and ${sampling.maxNewTokens} new ones`,
        remedy: "shorten the messages or lower maxNewTokens",
      });
    }
    const { temperature, maxNewTokens, seed } = sampling;
    const request = { promptIds, maxNewTokens, temperature, seed: promptSeed(seed, promptIds) };
    const call = {
      request,
      sampling,
      reader: new ResponseReader(this.tokenizer, sampling.stop),
      modelName: this.#modelName,
    };
    return tools.length === 0 ? call : { ...call, calls: callReader(request.seed, reply) };
  }

  #submit(
    call: ChatCall,
    signal: AbortSignal | undefined,
    onTokens?: GenerateOptions["onTokens"],
  ): Promise<BatchedResult> {
    const { adapter, tokenizer } = this;
    return batcherOf(this.engine).submit(call.request, { adapter, stopIds: tokenizer.stopIds, signal, onTokens });
  }
}
