import type { LexiconKind } from "./lexicon.js";

/** What the world knows of a speaker: at most one value each at a time. */
export type Attribute =
  | "city"
  | "job"
  | "pet"
  | "instrument"
  | "hobby"
  | "food"
  | "car"
  | "language"
  | "plant"
  | "collection";
/** Dated things that happen: they are added and never change. */
export type EventKind = "visit" | "course" | "purchase" | "race";

interface AttributeForm {
  readonly values: LexiconKind;
  readonly statement: string;
  readonly retraction: string;
  /** A detail that a later turn may add. */
  readonly refinement?: { readonly details: LexiconKind; readonly statement: string };
}

/**
 * How a fact is written as a memory. `{an value}` puts the fitting indefinite article before the value.
 */
export const attributes: { readonly [A in Attribute]: AttributeForm } = {
  city: { values: "city", statement: "{name} lives in {value}", retraction: "{name} no longer lives in {value}" },
  job: {
    values: "job",
    statement: "{name} works as {an value}",
    retraction: "{name} no longer works as {an value}",
    refinement: { details: "company", statement: "{name} works as {an value} at {detail}" },
  },
  pet: {
    values: "animal",
    statement: "{name} has {an value}",
    retraction: "{name} no longer has {an value}",
    refinement: { details: "petName", statement: "{name} has {an value} named {detail}" },
  },
  instrument: {
    values: "instrument",
    statement: "{name} plays the {value}",
    retraction: "{name} no longer plays the {value}",
  },
  hobby: { values: "hobby", statement: "{name} enjoys {value}", retraction: "{name} no longer enjoys {value}" },
  food: {
    values: "food",
    statement: "{name} loves eating {value}",
    retraction: "{name} no longer loves eating {value}",
  },
  car: { values: "car", statement: "{name} drives {an value}", retraction: "{name} no longer drives {an value}" },
  language: {
    values: "language",
    statement: "{name} studies {value}",
    retraction: "{name} no longer studies {value}",
    refinement: { details: "person", statement: "{name} studies {value} with {detail}" },
  },
  plant: { values: "plant", statement: "{name} grows {value}", retraction: "{name} no longer grows {value}" },
  collection: {
    values: "collection",
    statement: "{name} collects {value}",
    retraction: "{name} no longer collects {value}",
  },
};

export const events: { readonly [E in EventKind]: { readonly values: LexiconKind; readonly statement: string } } = {
  visit: { values: "place", statement: "{name} visited {value}" },
  course: { values: "subject", statement: "{name} started a course in {value}" },
  purchase: { values: "thing", statement: "{name} bought {an value}" },
  race: { values: "city", statement: "{name} ran a race in {value}" },
};

export const attributeNames = Object.keys(attributes) as Attribute[];
export const eventNames = Object.keys(events) as EventKind[];

/** One thing that is, was, or happened. */
export type Fact =
  | {
      readonly type: "state";
      readonly speaker: string;
      readonly attribute: Attribute;
      readonly value: string;
      readonly detail?: string;
    }
  | { readonly type: "ended"; readonly speaker: string; readonly attribute: Attribute; readonly value: string }
  | { readonly type: "event"; readonly speaker: string; readonly event: EventKind; readonly value: string };

/** Replaces `{key}` by its word and `{an key}` by the word with its indefinite article. */
export function fill(template: string, slots: Readonly<Record<string, string | undefined>>): string {
  return template.replace(/\{(an )?(\w+)\}/g, (_, article: string | undefined, key: string) => {
    const word = slots[key];
    if (word === undefined) throw new RangeError(`no value for {${key}} of "${template}"`);
    return article === undefined ? word : `${/^[aeiou]/i.test(word) ? "an" : "a"} ${word}`;
  });
}

/** The memory text of a fact: what the gold extractor answers. */
export function factText(fact: Fact): string {
  const slots = { name: fact.speaker, value: fact.value };
  if (fact.type === "event") return fill(events[fact.event].statement, slots);
  const form = attributes[fact.attribute];
  if (fact.type === "ended") return fill(form.retraction, slots);
  if (fact.detail === undefined || form.refinement === undefined) return fill(form.statement, slots);
  return fill(form.refinement.statement, { ...slots, detail: fact.detail });
}

/** How a memory of the same thing would begin, and "nothing" where it would go on: what is quoted where there is none. */
export function statementOfNothing(fact: Fact): string {
  const { statement } = fact.type === "event" ? events[fact.event] : attributes[fact.attribute];
  return fill(statement.replace("{an value}", "{value}"), { name: fact.speaker, value: "nothing" });
}
