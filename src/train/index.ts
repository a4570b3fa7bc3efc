export { type AdamWOptions, adamWDefaults } from "../model/adamw.js";
export {
  type ChatEngine,
  ChatOnnx,
  type ChatOnnxCallOptions,
  type ChatOnnxFields,
  type ChatOnnxLoadOptions,
} from "../model/chat-onnx.js";
export type { ChatSampling } from "../model/chat-sampling.js";
export type { ChatRenderOptions, ChatTurn } from "../model/chat-template.js";
export type { ChatTool } from "../model/chat-tools.js";
export type * from "../model/engine.js";
export type { LanguageModelOptions } from "../model/language-model.js";
export { type OpenEngineOptions, openEngine } from "../model/open-engine.js";
export type { Precision } from "../model/precision.js";
export type { GeneratingEngine } from "../model/request-batcher.js";
export { tinyModel } from "../model/tiny-model.js";
export { type ChatTokenizer, loadTokenizer } from "../model/tokenizer.js";
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
