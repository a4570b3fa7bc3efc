import { byCodeUnits } from "../../by-code-units.js";
import { originOf, stepKeys } from "../../memory/bank/step-keys.js";
import type { EpisodeEvent } from "../../trace/episode.js";

/**
 * Events under ids that follow from what was recorded, and in an order that does too: two recordings of the same agents differ in their times
 * alone. Training draws by these ids, so that a recipe that is stopped and begun again makes the same adapters. Calls that belong to no step or
 * answer are left out.
 */
export function withStableIds(events: readonly EpisodeEvent[]): EpisodeEvent[] {
  const calls = new Map(events.flatMap((event) => (event.type === "model_call" ? [[event.id, event] as const] : [])));
  const own = events.flatMap((event) => {
    if (event.type !== "memory_step" && event.type !== "answer") return [];
    const label = event.namespace.at(-1) ?? "";
    const at = event.type === "memory_step" ? `turn ${event.turn.id}` : `question ${event.question.id}`;
    return [{ event, label, steps: event.type === "memory_step", name: `${label}, ${at}` }];
  });
  // A dialogue's steps keep their order; dialogues are played side by side, and so are questions answered.
  const decisions = own.filter(({ steps }) => steps).sort((a, b) => byCodeUnits(a.label, b.label));
  const answers = own.filter(({ steps }) => !steps).sort((a, b) => byCodeUnits(a.name, b.name));
  const ordered = [...decisions, ...answers];
  const names = new Map(ordered.map(({ event, name }) => [event.id, name]));
  const lines = ordered.flatMap(({ event, name }): EpisodeEvent[] => {
    const call = event.callId === undefined ? undefined : calls.get(event.callId);
    const renamed = call === undefined ? event : { ...event, callId: `${name}, call` };
    return [...(call === undefined ? [] : [{ ...call, id: `${name}, call` }]), { ...renamed, id: name }];
  });
  const rewards = events.flatMap((event): EpisodeEvent[] => {
    const of = event.type === "reward" ? names.get(event.of) : undefined;
    return event.type === "reward" && of !== undefined ? [{ ...event, id: `${of}/${event.name}`, of }] : [];
  });
  // Keys of memories begin with the id of the step that added them.
  const keyOf = (key: string): string => {
    const origin = originOf(key);
    const name = origin && names.get(origin.step);
    return name === undefined ? key : stepKeys(name)(origin!.place);
  };
  const renamedKeys = lines.map((event): EpisodeEvent => {
    if (event.type !== "memory_step" && event.type !== "answer") return event;
    const retrieved = event.retrieved.map((memory) => ({ ...memory, key: keyOf(memory.key) }));
    if (event.type === "answer") return { ...event, retrieved };
    return { ...event, retrieved, changes: event.changes.map((change) => ({ ...change, key: keyOf(change.key) })) };
  });
  return [...renamedKeys, ...rewards.sort((a, b) => byCodeUnits(a.id, b.id))];
}
