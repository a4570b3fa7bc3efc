import { UsageError } from "../../errors.js";
import { retrievalSetting } from "../../memory/bank/retrieve.js";
import type { Agent } from "../../recipe/context.js";
import { type RetrievalSetting, retrievalSettingSchema } from "../../trace/episode.js";
import { readAdapterRetrieval, recordedRetrievals } from "../../train/tasks/adapter-retrieval.js";
import type { RecordedDialogue } from "../../train/tasks/links.js";
import type { ModelOptions, RetrievalOptions } from "./options.js";

type Adapters = Pick<ModelOptions, "adapterManager" | "adapterAnswerer">;

/**
 * How answers' memories are chosen: as the options say, else as the adapters were trained, else as was recorded, else as in the paper. Where two
 * adapters were trained differently the answerer's setting counts: it is the one that reads the memories. @throws FileError.
 */
export async function chooseRetrieval(
  options: RetrievalOptions & Adapters,
  recorded?: RetrievalSetting,
): Promise<RetrievalSetting> {
  let learned: RetrievalSetting | undefined;
  for (const adapter of [options.adapterAnswerer, options.adapterManager]) {
    if (adapter !== undefined) learned ??= await readAdapterRetrieval(adapter);
  }
  return retrievalSetting({ ...(learned ?? recorded), ...givenRetrieval(options) });
}

/**
 * What an adapter learns with. A manager is rewarded by the answers of an agent that is used as it was trained; an answerer learns from prompts
 * as they were recorded, which no option can change. @throws UsageError where episodes differ among themselves, or from an option.
 */
export async function chooseTrainingRetrieval(
  options: RetrievalOptions & Adapters & { readonly agent: Agent },
  dialogues: readonly RecordedDialogue[],
): Promise<RetrievalSetting> {
  const [recorded, other] = recordedRetrievals(dialogues);
  if (recorded !== undefined && other !== undefined) {
    throw new UsageError({
      what: "the episodes were recorded with different choices of memories for answers",
      where: "--episodes",
      expected: describeRetrieval(recorded),
      found: describeRetrieval(other),
      remedy: "pass episode files that were recorded alike",
    });
  }
  if (options.agent === "manager") return chooseRetrieval(options, recorded);
  const wanted = retrievalSetting({ ...recorded, ...givenRetrieval(options) });
  if (recorded !== undefined && describeRetrieval(wanted) !== describeRetrieval(recorded)) {
    throw new UsageError({
      what: "the answerer learns from prompts as they were recorded",
      where: "--memories-per-speaker, --named-speakers-only, --search, --words, --adjacent, --order",
      expected: describeRetrieval(recorded),
      found: describeRetrieval(wanted),
      remedy: "record with these options, or leave them out",
    });
  }
  return wanted;
}

/** "4 memories of each speaker whom the question names, by vector search" */
export function describeRetrieval(setting: RetrievalSetting): string {
  const { memoriesPerSpeaker, namedSpeakersOnly, search, words, adjacent, order } = setting;
  const whose = namedSpeakersOnly ? " whom the question names" : "";
  const around = adjacent ? " with the turns around them" : "";
  const how = words ? ", with the words of their turns" : "";
  return `${memoriesPerSpeaker} memories of each speaker${whose}, by ${search ?? "vector"} search${around}${how}, ${order ?? "oldest-first"}`;
}

/** The part of it that the options say. */
export function givenRetrieval(options: RetrievalOptions): RetrievalOptions {
  const names = retrievalSettingSchema.keyof().options.filter((name) => options[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, options[name]]));
}
