import type { RetrievedMemory, Turn } from "../trace/episode.js";
import type { Operation } from "./bank/operation.js";

export interface DecisionInput {
  readonly turn: Turn;
  readonly facts: readonly string[];
  readonly retrieved: readonly RetrievedMemory[];
}

/** A manager without a model. */
export type Decide = (input: DecisionInput) => readonly Operation[];

/** The control that keeps every fact. */
export const addOnly: Decide = ({ facts }) => facts.map((text) => ({ event: "ADD", text }));

/** The control that remembers nothing. */
export const noop: Decide = () => [];
