export {
  type ChatEngine,
  ChatOnnx,
  type ChatOnnxCallOptions,
  type ChatOnnxFields,
  type ChatOnnxLoadOptions,
} from "../model/chat/chat-onnx.js";
export type { ChatSampling } from "../model/chat/chat-sampling.js";
export type { ChatRenderOptions, ChatTurn } from "../model/chat/chat-template.js";
export type { ChatTool } from "../model/chat/chat-tools.js";
export type { GeneratingEngine } from "../model/chat/request-batcher.js";
export { tinyModel } from "../model/checkpoint/tiny-model.js";
export { type ChatTokenizer, loadTokenizer } from "../model/checkpoint/tokenizer.js";
export { type AdamWOptions, adamWDefaults } from "../model/engine/adamw.js";
export type * from "../model/engine/engine.js";
export type { LanguageModelOptions } from "../model/engine/language-model.js";
export { type OpenEngineOptions, openEngine } from "../model/engine/open-engine.js";
export type { Precision } from "../model/graph/precision.js";
export type { Device } from "../onnx/device.js";
export type { DeviceChoice } from "../onnx/devices.js";
export { type RewardName, rewardNames } from "../reward/rewards.js";
export type { GoldQuestion } from "../trace/episode.js";
export { readAdapterRetrieval, recordedRetrievals, writeAdapterRetrieval } from "./adapter-retrieval.js";
export { type AdvantageKind, groupAdvantages } from "./advantage.js";
export { type Aggregation, type AggregationOptions, tokenWeights } from "./aggregation.js";
export { type Alarm, type AlarmKind, alarmKinds } from "./alarm.js";
export { AlarmError, type AlarmThresholds, alarmDefaults, alarmLine, alarmsOf } from "./alarms.js";
export { type AnswerTaskOptions, answerTask } from "./answer-task.js";
export {
  type ConversationMark,
  conversationMark,
  readTrainedOn,
  recordedMark,
  sharedConversations,
} from "./conversations.js";
export type { CursorState } from "./cursor.js";
export { type Estimates, explainedVariance, type GaeOptions, generalizedAdvantages, whiten } from "./gae.js";
export type { LearnerParts } from "./learner.js";
export { linkQuestions, type RecordedDialogue, recordedDialogues } from "./links.js";
export { type ManagerTaskOptions, managerDecisionTask } from "./manager-decision-task.js";
export { managerDialogueTask } from "./manager-dialogue-task.js";
export type { Origin as RunOrigin, Settings as RunSettings } from "./manifest.js";
export type { PolicyMetrics, StepMetrics, ValueMetrics } from "./metrics.js";
export { type CriticOptions, type PolicyOptions, policyOptionsSchema } from "./policy-options.js";
export { policyStep, type StepExtras } from "./policy-step.js";
export { type AlgorithmName, algorithmNames, presets } from "./presets/index.js";
export type { Rollout, RolloutGroup, RolloutOptions, Sample, SpanCredit, Task } from "./rollout.js";
export type { RolloutContext } from "./rollout-context.js";
export { type SftOptions, type SftProgress, type SftTokens, trainSft } from "./sft.js";
export { type StartingPoint, startingPoint } from "./starting-point.js";
export type { TrainSummary } from "./step-history.js";
export type { StepRecord } from "./step-record.js";
export { type Progress, type TrainOptions, trainDefaults } from "./train-options.js";
export { train } from "./trainer.js";
