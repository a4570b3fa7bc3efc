export {
  ConflictError,
  ContextLengthError,
  EngineError,
  type Failure,
  FileError,
  MemoryR1Error,
  StoreError,
  UsageError,
} from "./errors.js";
export { type AnswerOptions, buildAnswerPrompt, createAnswerAgent, readAnswer } from "./memory/answer.js";
export type { DeleteRequest } from "./memory/approval.js";
export { BackgroundWrites, type BackgroundWritesOptions } from "./memory/background.js";
export { type AuditFinding, type AuditOptions, auditMemories } from "./memory/bank/audit.js";
export { MemoryBank } from "./memory/bank/bank.js";
export type { ApplyOptions, MemoryBankOptions, RetrieveOptions } from "./memory/bank/bank-options.js";
export { HISTORY_ROOT } from "./memory/bank/history.js";
export type { HistoryEntry, HistoryFilter, Provenance } from "./memory/bank/history-entry.js";
export { type Operation, type OperationEvent, operationSchema, operationsSchema } from "./memory/bank/operation.js";
export { newFacts, quoteRecalled, withoutRecalled } from "./memory/bank/recalled.js";
export {
  type AnswerRetrieval,
  type ManagerRetrieval,
  retrieveForAnswer,
  retrieveForManager,
} from "./memory/bank/retrieve.js";
export type { ScoredMemory } from "./memory/bank/scored-memory.js";
export { addOnly, type Decide, type DecisionInput, noop } from "./memory/controls.js";
export { type AppliedDecision, applyDecision, buildManagerPrompt, type DecisionOptions } from "./memory/decision.js";
export { createMemoryGraph, type MemoryGraphOptions } from "./memory/graph.js";
export { createMemoryManager, type ManagerOptions } from "./memory/manager.js";
export type { ManagerOutput } from "./memory/manager-output.js";
export {
  type ParsedAnswer,
  type ParsedFacts,
  type ParsedOperations,
  type ParseOptions,
  parseAnswer,
  parseFacts,
  parseOperations,
} from "./memory/parse.js";
export { compactPrompts } from "./memory/prompts/compact-prompts.js";
export { instructedPrompts } from "./memory/prompts/instructed-prompts.js";
export type { AnswerPromptInput, ManagePromptInput, MemoryPrompts } from "./memory/prompts/prompts.js";
export type { AgentOptions, NamespaceOption } from "./memory/runtime.js";
export {
  type AgentGraph,
  type AnswerState,
  answerState,
  type ManagerState,
  type MemoryState,
  managerState,
  memoryState,
  type TurnInput,
} from "./memory/state.js";
export { createMemoryTools, type MemoryToolsOptions } from "./memory/tools.js";
export { type RebuildOptions, type RebuiltPrompt, rebuildPrompt } from "./replay/rebuild-prompt.js";
export {
  bankBefore,
  type Decision as RecordedDecision,
  type RebuiltBank,
  type ReplayOptions,
  replayBanks,
} from "./replay/replay.js";
export type { ChromaBinding } from "./store/chroma/chroma-bindings.js";
export type { ChromaAccess } from "./store/chroma/chroma-client.js";
export { type ChromaLimits, cloudLimits, serverLimits } from "./store/chroma/chroma-limits.js";
export { type ChromaServer, type ChromaServerOptions, startChromaServer } from "./store/chroma/chroma-server.js";
export { type ChromaSearchOptions, ChromaStore, type ChromaStoreOptions } from "./store/chroma/chroma-store.js";
export type { StoreFilter } from "./store/filter.js";
export type { Namespace } from "./store/namespace.js";
export { type OpenedStore, type OpenStoreOptions, openStore } from "./store/open-store.js";
export type { ScoredItem } from "./store/operations.js";
export { OverlayStore, type OverlayStoreOptions } from "./store/overlay-store.js";
export { type HybridSearchOptions, hybridSearch } from "./store/search/hybrid-search.js";
export { LexicalEmbeddings, type LexicalEmbeddingsOptions } from "./store/search/lexical-embeddings.js";
export type { SearchMode } from "./store/search/search-mode.js";
export type { VectorIndex } from "./store/search/vectors.js";
export type { TtlOptions, TtlPutOptions, TtlReadOptions } from "./store/ttl.js";
export {
  type Answer,
  type Change,
  type EpisodeEvent,
  episodeEventSchema,
  type MemoryStep,
  type MemoryValue,
  type ModelCall,
  type Question,
  type RetrievalSetting,
  type RetrievedMemory,
  type Reward,
  type Turn,
  type Undo,
} from "./trace/episode.js";
export { episodesFromLangSmith, readLangSmithRuns } from "./trace/from-langsmith.js";
export { type ReadOptions, readEpisodes } from "./trace/read.js";
export { EpisodeRecorder, type EpisodeRecorderOptions } from "./trace/recorder.js";
export type { ChatMessage as PromptMessage } from "./trace/render.js";
export {
  exportSpans,
  type Span,
  type SpanAttribute,
  type SpanAttributeValue,
  type SpanExport,
  type SpanOptions,
} from "./trace/spans.js";
export { type ExportedRun, langSmithRuns } from "./trace/to-langsmith.js";
