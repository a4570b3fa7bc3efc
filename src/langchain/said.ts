import { type BaseMessage, HumanMessage } from "@langchain/core/messages";

/** A message of a person. */
export interface Said {
  readonly id: string;
  readonly text: string;
}

/** What people said after the message with this id. Where neither it nor a summary that took its place is there: their last message. */
export function saidSince(messages: readonly BaseMessage[], id: string | undefined, newId: () => string): Said[] {
  const people = messages.filter((message) => HumanMessage.isInstance(message));
  const known = people.findIndex((message) => id !== undefined && message.id === id);
  const last = known === -1 ? people.findLastIndex(isSummary) : known;
  return saidIn(id === undefined || last !== -1 ? people.slice(last + 1) : people.slice(-1), newId);
}

/**
 * The same when the agent has ended, in the thread's words of then: others may have redacted a message, removed it or added one. What a summary
 * replaced was said all the same.
 */
export function saidUntilNow(
  said: readonly Said[],
  messages: readonly BaseMessage[],
  takenIn: string | undefined,
  newId: () => string,
): Said[] {
  const people = messages.filter((message) => HumanMessage.isInstance(message));
  const texts = new Map(saidIn(people, newId).map(({ id, text }) => [id, text]));
  const kept = people.some(isSummary) ? said : said.filter(({ id }) => texts.has(id));
  const known = new Set<string | undefined>([takenIn, ...said.map(({ id }) => id)]);
  const last = people.findLastIndex(({ id }) => id !== undefined && known.has(id));
  const added = last === -1 ? [] : saidIn(people.slice(last + 1), newId);
  return joined(
    kept.map((one) => ({ ...one, text: texts.get(one.id) ?? one.text })),
    added,
  );
}

/** Each message once, at its first place. */
export const joined = <One extends Said>(...lists: readonly (readonly One[])[]): One[] => [
  ...new Map(lists.flat().map((one) => [one.id, one])).values(),
];

const saidIn = (people: readonly HumanMessage[], newId: () => string): Said[] =>
  people.filter((message) => !isSummary(message)).map(({ id = newId(), text }) => ({ id, text }));

/** LangChain's `summarizationMiddleware` puts its model's summary into the thread as if a person had said it. */
const isSummary = ({ additional_kwargs }: HumanMessage): boolean => additional_kwargs.lc_source === "summarization";
