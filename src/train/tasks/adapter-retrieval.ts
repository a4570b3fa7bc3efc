import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeJson } from "../../atomic-file.js";
import { parseFields, readOptionalJson } from "../../json-file.js";
import { retrievalSetting } from "../../memory/bank/retrieve.js";
import { type RetrievalSetting, retrievalSettingSchema } from "../../trace/episode.js";
import type { RecordedDialogue } from "./links.js";

const FILE = "retrieval.json";

/**
 * Records in an adapter's folder how memories were chosen for answers during training: with another setting it meets
 * prompts that it never saw.
 */
export async function writeAdapterRetrieval(adapter: string, setting: RetrievalSetting): Promise<void> {
  await mkdir(adapter, { recursive: true });
  await writeJson(join(adapter, FILE), setting);
}

/**
 * The retrieval setting that an adapter was trained with; undefined if its folder has none.
 * @throws FileError if the record has an unexpected format.
 */
export async function readAdapterRetrieval(adapter: string): Promise<RetrievalSetting | undefined> {
  const file = join(adapter, FILE);
  const value = await readOptionalJson(file);
  if (value === undefined) return undefined;
  return parseFields(retrievalSettingSchema, value, file, "train the adapter again, or remove this file");
}

/** The settings that recorded answers were given with, each once; none where the episodes do not say. */
export function recordedRetrievals(dialogues: readonly RecordedDialogue[]): RetrievalSetting[] {
  const settings = dialogues.flatMap(({ events }) =>
    events.flatMap((event) => (event.type === "answer" && event.retrieval !== undefined ? [event.retrieval] : [])),
  );
  // One form for each, its keys in one order.
  return [...new Map(settings.map((setting) => [JSON.stringify(retrievalSetting(setting)), setting])).values()];
}
