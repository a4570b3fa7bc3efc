import { compareAgents } from "../src/evaluate/compare.js";
import type { Dialogue } from "../src/evaluate/dialogue.js";
import { extractDialogueFacts } from "../src/evaluate/extract-facts.js";
import { type PlayAgents, playDialogues } from "../src/evaluate/play.js";
import { compactPrompts as prompts } from "../src/memory/prompts/compact-prompts.js";
import { ChatOnnx } from "../src/model/chat/chat-onnx.js";
import type { ChatTokenizer } from "../src/model/checkpoint/tokenizer.js";
import type { PolicyEngine } from "../src/model/engine/engine.js";
import { rankedMemoryStore } from "../src/store/ranked-memory-store.js";
import { LexicalEmbeddings } from "../src/store/search/lexical-embeddings.js";
import { generateDialogues } from "../src/synthetic/dialogue.js";
import { episodeEventSchema } from "../src/trace/episode.js";
import { EpisodeRecorder } from "../src/trace/recorder.js";
import type { Task } from "../src/train/rollout.js";
import type { RolloutContext } from "../src/train/rollout-context.js";
import { type RecordedDialogue, recordedDialogues } from "../src/train/tasks/links.js";
import { managerDecisionTask } from "../src/train/tasks/manager-decision-task.js";
import type { Incentive } from "./algorithm-results.js";

/** The tiny model, which speaks the compact prompts. */
export interface WorldModel {
  readonly engine: PolicyEngine;
  readonly tokenizer: ChatTokenizer;
}

export interface WorldOptions {
  readonly seed: number;
  readonly dialogues: number;
  readonly testDialogues: number;
}

/** As the tour has it: the tiny model reads a few memories at a time. */
const retrieval = { memoriesPerSpeaker: 4, namedSpeakersOnly: true };

/** Dialogues under way at once: the model decodes them in one batch. */
const concurrency = 16;

/** Longest response, in tokens. */
export const maxNewTokens = 96;

/** One seed's dialogues, recorded once by the untrained agents, and held-out ones to be tested on. */
export class World {
  private constructor(
    private readonly model: WorldModel,
    private readonly seed: number,
    private readonly learned: readonly Dialogue[],
    private readonly heldOut: readonly Dialogue[],
    private readonly untrained: readonly RecordedDialogue[],
    private readonly embeddings: LexicalEmbeddings,
  ) {}

  static async create(model: WorldModel, { seed, dialogues, testDialogues }: WorldOptions): Promise<World> {
    const extractor = new ChatOnnx({ ...model, temperature: 0, maxNewTokens });
    const facts = async (split: "train" | "test", count: number) =>
      (
        await extractDialogueFacts(
          generateDialogues({ seed, count, split, ...(split === "train" ? { asking: "along" } : {}) }),
          extractor,
          { prompts },
        )
      ).dialogues;
    const embeddings = new LexicalEmbeddings();
    const [learned, heldOut] = [await facts("train", dialogues), await facts("test", testDialogues)];
    const world = new World(model, seed, learned, heldOut, [], embeddings);
    const agents = { manager: world.chat(undefined, 1), answerer: world.chat(undefined) };
    return new World(model, seed, learned, heldOut, await world.record(agents), embeddings);
  }

  managerTask(adapter: string, { reward, credit: creditWeight }: Incentive): Task {
    return managerDecisionTask(this.untrained, { policy: this.policy(), adapter, reward, creditWeight });
  }

  /** On the held-out dialogues; undefined is the untrained manager. */
  async exactMatch(manager: string | undefined): Promise<number> {
    const agents = { ...this.common(), manager: this.chat(manager), answerer: this.chat(undefined) };
    const [scores] = await compareAgents(this.heldOut, [{ name: "agents", agents }], {
      embeddings: this.embeddings,
      concurrency,
    });
    return scores!.metrics["exact-match"];
  }

  private async record(agents: Pick<PlayAgents, "manager" | "answerer">): Promise<RecordedDialogue[]> {
    const lines: string[] = [];
    const recorder = new EpisodeRecorder({ write: (line) => void lines.push(line) });
    const store = await rankedMemoryStore({ embeddings: this.embeddings, fields: ["text"] });
    await playDialogues(this.learned, { ...this.common(), ...agents }, { store, recorder, concurrency });
    recorder.close();
    return recordedDialogues(repeatableIds(lines).map((line) => episodeEventSchema.parse(JSON.parse(line))));
  }

  private common() {
    return { prompts, ...retrieval };
  }

  private policy(): RolloutContext {
    return { ...this.model, prompts, embeddings: this.embeddings, maxNewTokens, ...retrieval };
  }

  private chat(adapter: string | undefined, temperature = 0): ChatOnnx {
    const fields = { ...this.model, temperature, maxNewTokens, seed: this.seed };
    return new ChatOnnx(adapter === undefined ? fields : { ...fields, adapter });
  }
}

/** Steps named by dialogue and turn in place of a random id, as what an item draws follows from its name: another process draws the same. */
function repeatableIds(lines: readonly string[]): string[] {
  const names = new Map<string, string>();
  for (const line of lines) {
    const event = episodeEventSchema.parse(JSON.parse(line));
    if (event.type === "memory_step") names.set(event.id, `${event.namespace.join("/")}/${event.turn.id}`);
  }
  return lines.map((line) =>
    line.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => names.get(id) ?? id),
  );
}
