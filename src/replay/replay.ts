import type { Embeddings } from "@langchain/core/embeddings";
import { InMemoryStore } from "@langchain/langgraph";
import { FileError, UsageError } from "../errors.js";
import { MemoryBank } from "../memory/bank/bank.js";
import { sameMemory } from "../memory/bank/scored-memory.js";
import { rankedMemoryStore } from "../store/ranked-memory-store.js";
import type { Answer, Change, EpisodeEvent, MemoryStep, MemoryValue, Undo } from "../trace/episode.js";

export type Decision = MemoryStep | Answer;

export interface ReplayOptions {
  /** Makes the rebuilt store rank by similarity. Without it, the store holds the bank but does not rank. */
  readonly embeddings?: Embeddings;
}

/** A store with the recorded keys and values, as they stood before a decision. */
export interface RebuiltBank {
  readonly decision: Decision;
  readonly store: InMemoryStore;
  /** Over `store` and the decision's namespace. */
  readonly bank: MemoryBank;
}

/**
 * Iterates over an episode's decisions in order, each with the banks as they were before it. All share one store, which
 * the next iteration changes: fork it to keep its state.
 * @throws FileError if a recorded change contradicts what was recorded before it.
 */
export async function* replayBanks(
  events: Iterable<EpisodeEvent>,
  options: ReplayOptions = {},
): AsyncGenerator<RebuiltBank> {
  const store = await emptyStore(options);
  const shadow = new Map<string, MemoryValue>();
  const begun = new Set<string>();
  for (const event of events) {
    if (event.type === "model_call" || event.type === "reward") continue;
    const bank = new MemoryBank({ store, namespace: event.namespace });
    checkBeginning(event, begun);
    if (event.type !== "undo") {
      checkRetrieved(event, shadow);
      yield { decision: event, store, bank };
    }
    if (event.type !== "answer") {
      checkChanges(event, shadow);
      await bank.write(event.changes);
    }
  }
}

/**
 * The bank as it was before one decision. `id` is that of a memory step, an answer, or the model call of either.
 * @throws UsageError if the events hold no such decision; FileError as `replayBanks`.
 */
export async function bankBefore(
  events: readonly EpisodeEvent[],
  id: string,
  options: ReplayOptions = {},
): Promise<RebuiltBank> {
  const target = findDecision(events, id);
  const store = await emptyStore(options);
  const shadow = new Map<string, MemoryValue>();
  const bank = new MemoryBank({ store, namespace: target.namespace });
  const begun = new Set<string>();
  for (const event of events) {
    if (event === target) {
      break;
    }
    if (event.type !== "memory_step" && event.type !== "undo") continue;
    if (placeOf(event.namespace, "") === placeOf(target.namespace, "")) {
      checkBeginning(event, begun);
      checkChanges(event, shadow);
      await bank.write(event.changes);
    }
  }
  checkBeginning(target, begun);
  checkRetrieved(target, shadow);
  return { decision: target, store, bank };
}

/** The memory step or answer with this id, or with a model call of this id. */
function findDecision(events: Iterable<EpisodeEvent>, id: string): Decision {
  for (const event of events) {
    if ((event.type === "memory_step" || event.type === "answer") && (event.id === id || event.callId === id)) {
      return event;
    }
  }
  throw new UsageError({
    what: "no decision has this id",
    expected: "the id of a memory step or an answer, or of the model call that one of them names",
    found: id,
    remedy: "take the id from the same episode file",
  });
}

async function emptyStore({ embeddings }: ReplayOptions): Promise<InMemoryStore> {
  return embeddings === undefined ? new InMemoryStore() : rankedMemoryStore({ embeddings, fields: ["text"] });
}

/** A bank's first step has the order 0, unless there were memories before it that were not recorded. */
function checkBeginning(event: Decision | Undo, begun: Set<string>): void {
  const place = placeOf(event.namespace, "");
  if (event.type !== "memory_step" || begun.has(place)) return;
  begun.add(place);
  if (event.order === undefined || event.order === 0) return;
  throw new FileError({
    what: "the bank was not recorded from its beginning",
    where: `step ${event.id}`,
    expected: "order 0 at the first step of a bank",
    found: String(event.order),
    remedy: "record from an empty bank, into one file, with one writer for each bank",
  });
}

/** Compares each change's `before` with the rebuilt bank, and brings the rebuilt values up to date. */
function checkChanges({ type, id, namespace, changes }: MemoryStep | Undo, shadow: Map<string, MemoryValue>): void {
  for (const change of changes) {
    const place = placeOf(namespace, change.key);
    expectSame(
      `${change.event} of ${type === "undo" ? "undo" : "step"} ${id}, key ${change.key}`,
      shadow.get(place) ?? null,
      change.before,
    );
    if (change.after === null) {
      shadow.delete(place);
    } else {
      shadow.set(place, change.after);
    }
  }
}

function checkRetrieved({ id, namespace, retrieved }: Decision, shadow: ReadonlyMap<string, MemoryValue>): void {
  for (const { alias, key, namespace: shared, ...value } of retrieved) {
    // A shared memory has a history of its own, which this episode need not hold.
    if (shared !== undefined) continue;
    expectSame(`${alias} as retrieved for ${id}`, shadow.get(placeOf(namespace, key)) ?? null, value);
  }
}

function expectSame(where: string, rebuilt: Change["before"], recorded: Change["before"]): void {
  if (sameMemory(rebuilt, recorded)) return;
  throw new FileError({
    what: "the episode does not fit together",
    where,
    expected: `${describe(rebuilt)}, as the steps before it left it`,
    found: describe(recorded),
    remedy: "record from an empty bank, into one file, with one writer for each bank",
  });
}

function describe(value: Change["before"]): string {
  return value === null ? "no memory" : JSON.stringify(value);
}

function placeOf(namespace: readonly string[], key: string): string {
  return JSON.stringify([namespace, key]);
}
