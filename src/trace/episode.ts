import { z } from "zod";
import { searchModes } from "../store/search/search-mode.js";

/**
 * An episode file is JSON lines; each line is one of these events, in the order in which they happened.
 * `id` is unique in the file: an event that arrives twice is kept once.
 */
const common = {
  id: z.string(),
  /** ISO 8601, when the event was written. */
  at: z.string(),
};

/** Which graph run an event belongs to. */
const runSchema = z.object({
  runId: z.string(),
  threadId: z.string().optional(),
  checkpointId: z.string().optional(),
  checkpointNamespace: z.string().optional(),
  /** Name of the graph node. */
  node: z.string().optional(),
});

export const roleSchema = z.enum(["extractor", "manager", "answerer"]);

export const turnSchema = z.object({
  /** Unique in its dialogue, such as "D3:7". */
  id: z.string(),
  speaker: z.string(),
  text: z.string(),
  /** When it was said, in the words that memories show: "7 May 2023". */
  time: z.string(),
});

export const memoryValueSchema = z.object({
  text: z.string(),
  speaker: z.string(),
  /** When the fact was said, as in `turnSchema.time`. */
  time: z.string(),
  /** Id of the turn that last changed this memory. */
  source: z.string(),
  /** Position of that turn in its bank's history: memories are listed in this order. */
  order: z.number(),
  /** The words of that turn, if the bank stores them and the text does not contain them. */
  said: z.string().exactOptional(),
});

export const retrievedMemorySchema = memoryValueSchema.extend({
  /** What the model sees instead of the key: "m1", "m2", … in the order of the prompt. */
  alias: z.string(),
  key: z.string(),
  /** Its namespace, if it is not in the decision's own bank. */
  namespace: z.array(z.string()).optional(),
});

export const changeSchema = z.object({
  event: z.enum(["ADD", "UPDATE", "DELETE"]),
  key: z.string(),
  before: memoryValueSchema.nullable(),
  after: memoryValueSchema.nullable(),
});

export const samplingSchema = z.object({
  temperature: z.number().optional(),
  maxNewTokens: z.number().optional(),
  seed: z.number().optional(),
  stop: z.array(z.string()).optional(),
});

const modelCallSchema = z.object({
  type: z.literal("model_call"),
  ...common,
  run: runSchema,
  role: roleSchema.optional(),
  model: z.string().optional(),
  messages: z.array(z.object({ role: z.string(), content: z.string() })),
  text: z.string(),
  /** Tools that the model called: their arguments as an object, or as the text that could not be read as one. */
  toolCalls: z.array(z.object({ name: z.string(), args: z.unknown(), id: z.string().optional() })).optional(),
  /** Tokens as the model's server counted them. */
  usage: z.object({ inputTokens: z.number(), outputTokens: z.number() }).optional(),
  /** ISO 8601, when the model was asked. */
  startedAt: z.string().optional(),
  /** Exact token ids, and log-probabilities of the response tokens, if the model reports them. */
  promptIds: z.array(z.number()).optional(),
  responseIds: z.array(z.number()).optional(),
  logprobs: z.array(z.number()).optional(),
  finishReason: z.string().optional(),
  sampling: samplingSchema.optional(),
  policyVersion: z.string().optional(),
  error: z.string().optional(),
});

export const memoryStepSchema = z.object({
  type: z.literal("memory_step"),
  ...common,
  run: runSchema,
  /** `id` of the manager's model call; absent where no model decided (a control, or no facts). */
  callId: z.string().optional(),
  namespace: z.array(z.string()),
  turn: turnSchema,
  /** Position of the turn in its bank's history. Absent in older files. */
  order: z.number().exactOptional(),
  facts: z.array(z.string()),
  retrieved: z.array(retrievedMemorySchema),
  /** Why the model's text could not be read as operations; null when it could. */
  unparsable: z.string().nullable(),
  operations: z.array(z.unknown()),
  changes: z.array(changeSchema),
});

export const questionSchema = z.object({
  id: z.string(),
  text: z.string(),
  gold: z.string().optional(),
  category: z.string().optional(),
  /** Ids of the turns that contain the answer. */
  evidence: z.array(z.string()).optional(),
  /** Id of the turn after which it is asked and answered, by what is known then. Absent: at the end. */
  after: z.string().optional(),
});

/** The nearest memory is the one that the search ranks first; listed last, it is next to the question. */
export const memoryOrders = ["oldest-first", "nearest-first", "nearest-last"] as const;

/** How the memories that an agent saw were chosen. */
export const retrievalSettingSchema = z.object({
  /** Maximum number of memories per speaker that an answerer sees. */
  memoriesPerSpeaker: z.number().int().positive(),
  /** Whether only the speakers named in the question count, if it names any. */
  namedSpeakersOnly: z.boolean(),
  /** What ranked them. Absent: the store's vectors, "vector". */
  search: z.enum(searchModes).exactOptional(),
  /**
   * Whether memories store the words of the turns they came from, and are found and shown with them. Absent: false. An
   * answer agent only records this setting: it finds and shows what its bank holds, which `words` of the manager decides.
   */
  words: z.boolean().exactOptional(),
  /** Whether what was told just before and after a memory also counts for its score. Absent: false. */
  adjacent: z.boolean().exactOptional(),
  /** How the memories of one speaker are ordered. Absent: by time, "oldest-first". */
  order: z.enum(memoryOrders).exactOptional(),
});

export const answerSchema = z.object({
  type: z.literal("answer"),
  ...common,
  run: runSchema,
  callId: z.string().optional(),
  namespace: z.array(z.string()),
  question: questionSchema,
  /** Absent where it was not recorded. */
  retrieval: retrievalSettingSchema.optional(),
  retrieved: z.array(retrievedMemorySchema),
  /** Aliases that the model named as used. */
  selected: z.array(z.string()),
  answer: z.string(),
  unparsable: z.string().nullable(),
});

/** What `MemoryBank.undo` undid: no agent decided it, but it changes the bank. */
const undoSchema = z.object({
  type: z.literal("undo"),
  ...common,
  run: runSchema,
  namespace: z.array(z.string()),
  /** Ids of the history entries that were undone. */
  undoes: z.array(z.string()),
  changes: z.array(changeSchema),
});

const rewardSchema = z.object({
  type: z.literal("reward"),
  ...common,
  /** `id` of the answer or memory step that is rewarded. */
  of: z.string(),
  /** Name of the reward: "exact-match", "f1", … */
  name: z.string(),
  value: z.number(),
});

export const episodeEventSchema = z.discriminatedUnion("type", [
  modelCallSchema,
  memoryStepSchema,
  answerSchema,
  undoSchema,
  rewardSchema,
]);

export type Turn = z.infer<typeof turnSchema>;
export type MemoryValue = z.infer<typeof memoryValueSchema>;
export type RetrievedMemory = z.infer<typeof retrievedMemorySchema>;
export type Change = z.infer<typeof changeSchema>;
export type ModelCall = z.infer<typeof modelCallSchema>;
export type MemoryStep = z.infer<typeof memoryStepSchema>;
export type Question = z.infer<typeof questionSchema>;
export type GoldQuestion = Question & { readonly gold: string };
export type MemoryOrder = (typeof memoryOrders)[number];
export type RetrievalSetting = Readonly<z.infer<typeof retrievalSettingSchema>>;
export type Answer = z.infer<typeof answerSchema>;
export type Undo = z.infer<typeof undoSchema>;
export type Reward = z.infer<typeof rewardSchema>;
export type EpisodeEvent = z.infer<typeof episodeEventSchema>;

/** Names of the LangChain custom events by which the graph nodes tell a recorder what they did. */
export const MEMORY_STEP_EVENT = "memory-r1:memory_step";
export const ANSWER_EVENT = "memory-r1:answer";
export const UNDO_EVENT = "memory-r1:undo";

/** Payloads of those events: the line without what the recorder knows itself. */
export type MemoryStepPayload = Omit<MemoryStep, "type" | "at" | "run">;
export type AnswerPayload = Omit<Answer, "type" | "at" | "run">;
export type UndoPayload = Omit<Undo, "type" | "at" | "run">;
