import { exactMatch } from "../../reward/exact-match.js";
import type { Answer, EpisodeEvent, GoldQuestion, MemoryStep, ModelCall, Undo } from "../../trace/episode.js";
import { namedMemories } from "../../trace/named-memories.js";

/** One recorded conversation: the events of one namespace. */
export interface RecordedDialogue {
  readonly namespace: readonly string[];
  readonly events: readonly EpisodeEvent[];
  /** In the order in which they first spoke. */
  readonly speakers: readonly string[];
  readonly steps: readonly MemoryStep[];
  /** All that changed the bank, in its order. */
  readonly changing: readonly (MemoryStep | Undo)[];
  readonly calls: ReadonlyMap<string, ModelCall>;
  /** Questions with a gold answer, each once. */
  readonly questions: readonly GoldQuestion[];
}

/** Groups the events of a file by conversation, so that nothing can leak from one to another. */
export function recordedDialogues(events: readonly EpisodeEvent[]): RecordedDialogue[] {
  const calls = new Map(events.flatMap((event) => (event.type === "model_call" ? [[event.id, event] as const] : [])));
  const groups = new Map<string, (MemoryStep | Answer | Undo)[]>();
  for (const event of events) {
    if (event.type === "model_call" || event.type === "reward") continue;
    const key = JSON.stringify(event.namespace);
    const own = groups.get(key);
    if (own === undefined) groups.set(key, [event]);
    else own.push(event);
  }
  return [...groups.values()].map((own) => {
    const questions = new Map<string, GoldQuestion>();
    for (const event of own) {
      if (event.type !== "answer" || event.question.gold === undefined) continue;
      questions.set(event.question.id, { ...event.question, gold: event.question.gold });
    }
    const steps = own.filter((event): event is MemoryStep => event.type === "memory_step");
    return {
      namespace: own[0]!.namespace,
      events: own,
      speakers: [...new Set(steps.map(({ turn }) => turn.speaker))],
      steps,
      changing: own.filter((event) => event.type !== "answer"),
      calls,
      questions: [...questions.values()],
    };
  });
}

/**
 * The questions that a turn decides: those whose evidence is complete with it. Evidence is what the data says, else what
 * provenance shows. A question with neither, or one that needs turns that were not recorded, is linked to no turn.
 */
export function linkQuestions({ steps, questions, events }: RecordedDialogue): Map<string, GoldQuestion[]> {
  const position = new Map(steps.map(({ turn }, index) => [turn.id, index]));
  const links = new Map<string, GoldQuestion[]>();
  for (const question of questions) {
    const needed = evidenceTurns(question, events);
    const places = needed.map((id) => position.get(id));
    if (places.length === 0 || places.some((place) => place === undefined)) continue;
    const last = steps[Math.max(...(places as number[]))]!.turn.id;
    links.set(last, [...(links.get(last) ?? []), question]);
  }
  return links;
}

/** The turns that hold a question's answer, as far as they are known: what the data says, else what provenance shows. */
export function evidenceTurns(question: GoldQuestion, events: readonly EpisodeEvent[]): readonly string[] {
  const { evidence = [] } = question;
  return evidence.length > 0 ? evidence : provenance(question, events);
}

/** The turns that made the memories by which a recorded answer was right, if one was: those that it named. */
function provenance({ id, gold }: GoldQuestion, events: readonly EpisodeEvent[]): string[] {
  const right = events.find(
    (event): event is Answer =>
      event.type === "answer" && event.question.id === id && exactMatch(event.answer, gold) === 1,
  );
  if (right === undefined) return [];
  return namedMemories(right.retrieved, right.selected).map(({ source }) => source);
}
