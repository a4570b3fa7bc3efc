import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateDialogues, type SyntheticDialogue } from "../../src/synthetic/dialogue.js";

/** Generated dialogues in the form of locomo10.json, under ids of all three splits. */
export async function locomoWorldFile(): Promise<string> {
  const worlds = generateDialogues({ seed: 3, count: 3, split: "train", sessions: 2, turnsPerSession: 3 });
  const samples = ["conv-26", "conv-30", "conv-41"].map((id, i) => sample(id, worlds[i]!));
  const path = join(await mkdtemp(join(tmpdir(), "memory-r1-recipe-world-")), "locomo10.json");
  await writeFile(path, JSON.stringify(samples));
  return path;
}

function sample(id: string, { speakers, turns, questions }: SyntheticDialogue): unknown {
  const conversation: Record<string, unknown> = { speaker_a: speakers[0], speaker_b: speakers[1] };
  const observation: Record<string, Record<string, unknown[]>> = {};
  for (const { id: dia_id, speaker, text, session, time, facts } of turns) {
    const [day, month, year] = time.split(" ");
    conversation[`session_${session}_date_time`] = `1:56 pm on ${day} ${month}, ${year}`;
    conversation[`session_${session}`] = [
      ...((conversation[`session_${session}`] as unknown[] | undefined) ?? []),
      { speaker, dia_id, text },
    ];
    observation[`session_${session}_observation`] ??= {};
    const observed = observation[`session_${session}_observation`]!;
    observed[speaker] = [...(observed[speaker] ?? []), ...facts.map((fact) => [fact, dia_id])];
  }
  const qa = questions.map(({ text, gold, evidence }) => ({ question: text, answer: gold, evidence, category: 4 }));
  return { sample_id: id, conversation, observation, qa };
}
