import { hashFile, hashText, hashWeights } from "../../hash.js";
import { promptStyle } from "../../memory/prompts/prompt-style.js";
import type { OpenedModels } from "./models.js";
import type { TrainVerbOptions } from "./train-options.js";

/** What the numbers of a training follow from beside the items' names: a run that goes on must have the same. */
export async function taskSettings(
  { prompts, encoder }: Pick<OpenedModels, "prompts" | "encoder">,
  options: Pick<TrainVerbOptions, "agent" | "form" | "reward" | "credit" | "evidence" | "episodes" | "adapterAnswerer">,
): Promise<Readonly<Record<string, string>>> {
  const { agent, form, reward, credit, evidence, episodes, adapterAnswerer } = options;
  const hashes = [];
  for (const file of episodes) hashes.push((await hashFile(file)).sha256);
  const manager = {
    form,
    answerer: adapterAnswerer === undefined ? "base" : await hashWeights(adapterAnswerer),
    // An answerer's memories were retrieved when they were recorded.
    ...(encoder === null ? {} : { encoder }),
  };
  return {
    reward,
    prompts: promptStyle(prompts),
    episodes: hashText(hashes.join("\n")),
    ...(agent === "manager" ? manager : {}),
    ...(credit === 0 ? {} : { credit: String(credit) }),
    ...(evidence === 0 ? {} : { evidence: String(evidence) }),
  };
}
