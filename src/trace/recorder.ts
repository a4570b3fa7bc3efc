import { BaseTracer, type Run } from "@langchain/core/tracers/base";
import { UsageError } from "../errors.js";
import { firstIssue } from "../first-issue.js";
import {
  ANSWER_EVENT,
  type EpisodeEvent,
  episodeEventSchema,
  MEMORY_STEP_EVENT,
  type ModelCall,
  type Reward,
  UNDO_EVENT,
} from "./episode.js";
import { type EpisodeSink, openEpisodeFile } from "./episode-file.js";
import { defined, describeModelCall, runFields } from "./model-call.js";

export type EpisodeRecorderOptions = (
  | { readonly path: string }
  /** Receives each line, with its line feed, instead of a file. */
  | { readonly write: (line: string) => void }
) & { readonly now?: () => Date };

const EVENT_TYPES: ReadonlyMap<string, EpisodeEvent["type"]> = new Map([
  [MEMORY_STEP_EVENT, "memory_step"],
  [ANSWER_EVENT, "answer"],
  [UNDO_EVENT, "undo"],
]);

/** Ended runs that are remembered, for handlers that are attached twice and hear each end twice. */
const REMEMBERED_RUNS = 256;

/**
 * LangChain tracer that writes episodes as JSON lines; pass it in a run's `callbacks`. Lines are written synchronously: a
 * step that has returned is in the file. A line that cannot be written fails the run.
 */
export class EpisodeRecorder extends BaseTracer {
  override name = "memory_r1_episode_recorder";
  override awaitHandlers = true;
  override raiseError = true;
  readonly #sink: EpisodeSink;
  readonly #now: () => Date;
  readonly #seen: Set<string>;
  readonly #ended = new Map<string, Run>();
  readonly #startedAt = new Map<string, string>();

  constructor(options: EpisodeRecorderOptions) {
    super();
    this.#sink =
      "path" in options
        ? openEpisodeFile(options.path)
        : { ids: [], write: options.write, flush: () => undefined, close: () => undefined };
    this.#now = options.now ?? (() => new Date());
    this.#seen = new Set(this.#sink.ids);
  }

  /** Records the reward of an answer or a memory step. Only one per name is kept. @throws UsageError if it is not finite. */
  reward({ of, name, value }: Pick<Reward, "of" | "name" | "value">): void {
    this.#write({ type: "reward", id: `${of}/${name}`, at: this.#at(), of, name, value }, `reward "${name}" of ${of}`);
  }

  /** Makes sure that written lines survive a machine crash. */
  flush(): void {
    this.#sink.flush();
  }

  close(): void {
    this.#sink.flush();
    this.#sink.close();
  }

  override onLLMStart(run: Run): void {
    if (!this.#startedAt.has(run.id)) {
      this.#startedAt.set(run.id, this.#at());
    }
  }

  override onLLMEnd(run: Run): void {
    this.#write(
      defined({
        ...describeModelCall(run),
        startedAt: this.#startedAt.get(run.id),
        at: this.#at(),
        run: this.#runOf(run.id, run.extra?.metadata),
      }),
      `model call ${run.id}`,
    );
    this.#startedAt.delete(run.id);
  }

  override onLLMError(run: Run): void {
    this.onLLMEnd(run);
  }

  override handleCustomEvent(
    eventName: string,
    data: unknown,
    runId: string,
    _tags?: string[],
    metadata?: Record<string, unknown>,
  ): void {
    const type = EVENT_TYPES.get(eventName);
    if (type === undefined) {
      return;
    }
    this.#write({ ...(data as object), type, at: this.#at(), run: this.#runOf(runId, metadata) }, eventName);
  }

  protected override async persistRun(): Promise<void> {}

  /** Keeps runs apart: a tree of all runs of a long dialogue would stay in memory until its root ends. */
  protected override _addChildRun(): void {}

  protected override getRunById(runId?: string): Run | undefined {
    return super.getRunById(runId) ?? (runId === undefined ? undefined : this.#ended.get(runId));
  }

  protected override async _endTrace(run: Run): Promise<void> {
    await super._endTrace(run);
    this.#ended.set(run.id, run);
    if (this.#ended.size > REMEMBERED_RUNS) {
      this.#ended.delete(this.#ended.keys().next().value!);
    }
  }

  #runOf(runId: string, given: unknown): ModelCall["run"] {
    const run = this.getRunById(runId);
    const metadata = { ...(run?.extra?.metadata as object | undefined), ...(given as object) };
    return runFields(run?.trace_id ?? runId, metadata);
  }

  #at(): string {
    return this.#now().toISOString();
  }

  /** One line that could not be read again would make the whole file unreadable. */
  #write(event: unknown, where: string): void {
    const parsed = episodeEventSchema.safeParse(event);
    if (!parsed.success) {
      throw new UsageError({
        what: "an event is not what its name promises",
        where,
        found: firstIssue(parsed.error, "the event"),
        remedy: "give rewards that are finite numbers, and leave the names that begin with memory-r1: to this package",
        cause: parsed.error,
      });
    }
    const { id } = parsed.data;
    if (this.#seen.has(id)) {
      return;
    }
    this.#sink.write(`${JSON.stringify(parsed.data)}\n`);
    this.#seen.add(id);
  }
}
