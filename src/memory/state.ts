import type { ExtractStateType, ExtractUpdateType, START, StateGraph } from "@langchain/langgraph";
import { z } from "zod";
import { answerSchema, memoryStepSchema, questionSchema, retrievedMemorySchema, turnSchema } from "../trace/episode.js";
import { operationSchema } from "./bank/operation.js";

/** A turn as input to a graph. If its facts are given, no extractor is called. */
const turnInputSchema = turnSchema.extend({
  facts: z.array(z.string().trim().min(1)).optional(),
  /** Position among the turns of its conversation; must ascend. Default: after all memories of the bank. */
  order: z.number().int().nonnegative().optional(),
  /** Texts of memories that were shown to the speaker: a fact that only repeats one is not new. */
  recalled: z.array(z.string()).optional(),
});

/** What a manager did with one turn. */
const memoryStepResultSchema = memoryStepSchema.omit({ type: true, at: true, run: true });

/** What an answerer did with one question. */
const answerResultSchema = answerSchema.omit({ type: true, at: true, run: true });

/** A manager's answer before it is applied. */
const decisionSchema = z.object({
  /** Id of the model call; null where no model was asked. */
  callId: z.string().nullable(),
  operations: z.array(operationSchema),
  unparsable: z.string().nullable(),
  /** What the model reports of its policy. */
  policyVersion: z.string().nullable().optional(),
  probability: z.number().nullable().optional(),
});

/** The step that is under way. Its id and order are fixed before anything is written, so that it can be run again. */
const pendingStepSchema = z.object({
  id: z.string(),
  facts: z.array(z.string()),
  order: z.number(),
  /** How often it was decided anew, because a memory had changed meanwhile. */
  redone: z.number().exactOptional(),
});

/** State of `createMemoryManager`. In: `turn`. Out: `step`. Extend it with `managerState.extend({ … })`. */
export const managerState = z.object({
  turn: turnInputSchema,
  pending: pendingStepSchema.optional(),
  retrieved: z.array(retrievedMemorySchema).optional(),
  decision: decisionSchema.optional(),
  step: memoryStepResultSchema.optional(),
});

/** State of `createAnswerAgent`. In: `question`, and `speakers` unless all of the bank's are meant. Out: `answer`. */
export const answerState = z.object({
  question: questionSchema,
  speakers: z.array(z.string()).optional(),
  retrieved: z.array(retrievedMemorySchema).optional(),
  answer: answerResultSchema.optional(),
});

/** State of `createMemoryGraph`. In: `turns`, `question`, or both. Out: `steps` and `answer`. */
export const memoryState = z.object({
  /** Turns still to be processed; empty when the graph ends. */
  turns: z.array(turnInputSchema).default([]),
  /**
   * Null once it has been answered, and in a run that is given none: a question that an earlier run could not answer is
   * not asked again.
   */
  question: questionSchema.nullable().default(null),
  /** As `question`. */
  speakers: z.array(z.string()).nullable().default(null),
  steps: z.array(memoryStepResultSchema).default([]),
  answer: answerResultSchema.nullish(),
});

export type TurnInput = z.infer<typeof turnInputSchema>;
export type ManagerState = z.infer<typeof managerState>;
export type AnswerState = z.infer<typeof answerState>;
export type MemoryState = z.infer<typeof memoryState>;

/** The uncompiled graph that an agent builder returns, over the state that it was given. */
export type AgentGraph<State extends z.ZodObject, Node extends string> = StateGraph<
  State,
  ExtractStateType<State>,
  ExtractUpdateType<State>,
  Node | typeof START,
  State,
  State
>;
