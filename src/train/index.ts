export { type AdamWOptions, adamWDefaults } from "../model/adamw.js";
export {
  ChatOnnx,
  type ChatOnnxCallOptions,
  type ChatOnnxFields,
  type ChatOnnxLoadOptions,
} from "../model/chat-onnx.js";
export type * from "../model/engine.js";
export { type OpenEngineOptions, openEngine } from "../model/open-engine.js";
export { tinyModel } from "../model/tiny-model.js";
export { type ChatTokenizer, loadTokenizer } from "../model/tokenizer.js";
export { readAdapterRetrieval, recordedRetrievals, writeAdapterRetrieval } from "./adapter-retrieval.js";
export { type AdvantageKind, groupAdvantages } from "./advantage.js";
export { type Aggregation, tokenWeights } from "./aggregation.js";
export {
  type Alarm,
  AlarmError,
  type AlarmKind,
  type AlarmThresholds,
  alarmDefaults,
  alarmKinds,
  alarmLine,
  alarmsOf,
} from "./alarms.js";
export { type AnswerTaskOptions, answers } from "./answers.js";
export {
  type ConversationMark,
  conversationMark,
  readTrainedOn,
  recordedMark,
  sharedConversations,
} from "./conversations.js";
export { type Estimates, explainedVariance, type GaeOptions, generalizedAdvantages, whiten } from "./gae.js";
export { type GoldQuestion, linkQuestions, type RecordedDialogue, recordedDialogues } from "./links.js";
export { type ManagerTaskOptions, managerDecisions } from "./manager-decisions.js";
export { managerDialogues } from "./manager-dialogues.js";
export type { StepMetrics } from "./metrics.js";
export type { Policy } from "./policy.js";
export { type CriticOptions, type PolicyOptions, policyOptionsSchema } from "./policy-options.js";
export { policyStep, type StepExtras } from "./policy-step.js";
export { type AlgorithmName, algorithmNames, presets } from "./presets/index.js";
export type { Rollout, RolloutGroup, RolloutOptions, Sample, Task } from "./rollout.js";
export { type SftOptions, type SftTokens, trainSft } from "./sft.js";
export { type StartingPoint, startingPoint } from "./starting-point.js";
export type { TrainSummary } from "./step-history.js";
export type { StepRecord } from "./step-record.js";
export { type Progress, type TrainOptions, trainDefaults } from "./train-options.js";
export { train } from "./trainer.js";
