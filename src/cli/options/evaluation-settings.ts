import { resolve } from "node:path";
import type { Dialogue } from "../../evaluate/dialogue.js";
import type { EvaluationLog } from "../../evaluate/evaluation-log.js";
import type { FactSource } from "../../evaluate/fact-source.js";
import { type Row, usesTrainedAnswerer, usesTrainedManager } from "../../evaluate/rows.js";
import { hashText, hashWeights } from "../../hash.js";
import { retrievalSetting } from "../../memory/bank/retrieve.js";
import { promptStyle } from "../../memory/prompts/prompt-style.js";
import { deviceKind } from "../../onnx/device.js";
import type { RetrievalSetting } from "../../trace/episode.js";
import type { OpenedModels } from "./models.js";
import type { DataOptions, ModelOptions } from "./options.js";

/** Fixes in a log what its results follow from. @throws UsageError where they were begun with something else. */
export async function requireSettings(
  log: EvaluationLog,
  dialogues: readonly Dialogue[],
  rows: readonly Row[],
  { engine, base, prompts, encoder, ...retrieval }: OpenedModels & RetrievalSetting,
  options: ModelOptions & Pick<DataOptions, "turns" | "questions"> & { readonly facts: FactSource },
): Promise<void> {
  const { architecture, parameters, device, precision, folder } = engine.info;
  const { maxNewTokens, temperature, seed } = base.sampling;
  log.require("all", {
    "data.conversations": dialogues.map(({ id }) => id).join(" "),
    "data.hash": hashText(JSON.stringify(dialogues)),
    "data.facts": options.facts,
    "data.turns": options.turns ?? null,
    "data.questions": options.questions ?? null,
    "model.architecture": architecture,
    "model.parameters": parameters,
    "model.weights": await hashWeights(folder),
    "model.device": deviceKind(device),
    "model.precision": precision,
    prompts: promptStyle(prompts),
    maxNewTokens,
    temperature,
    seed,
    ...retrievalSetting(retrieval),
    ...(encoder === null ? {} : { encoder }),
  });
  const { adapterManager, adapterAnswerer } = options;
  if (adapterManager !== undefined && rows.some(usesTrainedManager)) {
    log.require("manager", { "adapter-manager": await hashWeights(resolve(adapterManager)) });
  }
  if (adapterAnswerer !== undefined && rows.some(usesTrainedAnswerer)) {
    log.require("answerer", { "adapter-answerer": await hashWeights(resolve(adapterAnswerer)) });
  }
}
