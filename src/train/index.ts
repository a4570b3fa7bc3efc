export {
  type ChatEngine,
  ChatOnnx,
  type ChatOnnxCallOptions,
  type ChatOnnxFields,
  type ChatOnnxLoadOptions,
} from "../model/chat/chat-onnx.js";
export type { ChatSampling } from "../model/chat/chat-sampling.js";
export type { ChatTool } from "../model/chat/chat-tools.js";
export type { GeneratingEngine } from "../model/chat/request-batcher.js";
export type { ChatRenderOptions, ChatTurn } from "../model/checkpoint/chat-template.js";
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
export { type AdvantageKind, groupAdvantages } from "./algorithm/advantage.js";
export { type Aggregation, type AggregationOptions, tokenWeights } from "./algorithm/aggregation.js";
export { type Estimates, explainedVariance, type GaeOptions, generalizedAdvantages, whiten } from "./algorithm/gae.js";
export { type CriticOptions, type PolicyOptions, policyOptionsSchema } from "./algorithm/policy-options.js";
export type { LearnerParts } from "./learner.js";
export { policyStep, type StepExtras } from "./policy-step.js";
export { type AlgorithmName, algorithmNames, presets } from "./presets/index.js";
export type { Rollout, RolloutGroup, RolloutOptions, Sample, SpanCredit, Task } from "./rollout.js";
export type { RolloutContext } from "./rollout-context.js";
export { type Alarm, type AlarmKind, alarmKinds } from "./run/alarm.js";
export { AlarmError, type AlarmThresholds, alarmDefaults, alarmLine, alarmsOf } from "./run/alarms.js";
export type { CursorState } from "./run/cursor.js";
export type { Origin as RunOrigin, Settings as RunSettings } from "./run/manifest.js";
export type { PolicyMetrics, StepMetrics, ValueMetrics } from "./run/metrics.js";
export { type StartingPoint, startingPoint } from "./run/starting-point.js";
export type { TrainSummary } from "./run/step-history.js";
export type { StepRecord } from "./run/step-record.js";
export { type SftOptions, type SftProgress, type SftTokens, trainSft } from "./sft.js";
export { readAdapterRetrieval, recordedRetrievals, writeAdapterRetrieval } from "./tasks/adapter-retrieval.js";
export { type AnswerTaskOptions, answerTask } from "./tasks/answer-task.js";
export {
  type ConversationMark,
  conversationMark,
  readTrainedOn,
  recordedMark,
  sharedConversations,
  type TrainedOn,
} from "./tasks/conversations.js";
export { linkQuestions, type RecordedDialogue, recordedDialogues } from "./tasks/links.js";
export { type ManagerTaskOptions, managerDecisionTask } from "./tasks/manager-decision-task.js";
export { managerDialogueTask } from "./tasks/manager-dialogue-task.js";
export { type Progress, type TrainOptions, trainDefaults } from "./train-options.js";
export { train } from "./trainer.js";
