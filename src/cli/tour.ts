import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomic } from "../atomic-file.js";
import { compareAgents } from "../evaluate/compare.js";
import type { Dialogue } from "../evaluate/dialogue.js";
import { formatEvaluation } from "../evaluate/evaluation-table.js";
import { extractDialogueFacts } from "../evaluate/extract-facts.js";
import { type PlayAgents, type PlayedDialogue, playDialogues } from "../evaluate/play.js";
import type { AnswerRetrieval } from "../memory/bank/retrieve.js";
import { addOnly, noop } from "../memory/controls.js";
import { ChatOnnx } from "../model/chat/chat-onnx.js";
import { reportFiles } from "../report/read-report.js";
import { namespaceLabel } from "../store/namespace.js";
import type { OpenedStore } from "../store/open-store.js";
import type { LexicalEmbeddings } from "../store/search/lexical-embeddings.js";
import { generateDialogues } from "../synthetic/dialogue.js";
import { readEpisodes } from "../trace/read.js";
import { EpisodeRecorder } from "../trace/recorder.js";
import { grpo } from "../train/presets/grpo.js";
import type { Task } from "../train/rollout.js";
import type { RolloutContext } from "../train/rollout-context.js";
import { answerTask } from "../train/tasks/answer-task.js";
import { type RecordedDialogue, recordedDialogues } from "../train/tasks/links.js";
import { managerDecisionTask } from "../train/tasks/manager-decision-task.js";
import { withStableIds } from "../train/tasks/stable-ids.js";
import { trainDefaults } from "../train/train-options.js";
import { train } from "../train/trainer.js";
import type { OpenedModels } from "./options/models.js";
import { startProgress } from "./progress.js";
import { reportPage, writeReport } from "./report.js";
import { stepPrinter, summaryLines } from "./step-line.js";

export interface TourOptions {
  readonly seed: number;
  /** Folder of episodes, adapters, metrics and the report. */
  readonly out: string;
  readonly dialogues: number;
  readonly testDialogues: number;
  readonly managerSteps: number;
  readonly answererSteps: number;
}

/** With these, and what training does by default, the tiny model learns within minutes on two cores. */
export const tourSettings = {
  /** The answer agent has less to learn: on a bank that is kept well it is mostly right. */
  learningRate: { manager: 2e-3, answerer: 5e-4 },
  maxNewTokens: 96,
  /** Dialogues under way at once: the model decodes them in one batch. */
  concurrency: 16,
  // The paper's 30 memories of both speakers would be a whole bank here; the tiny model reads a few at a time.
  retrieval: { memoriesPerSpeaker: 4, namedSpeakersOnly: true },
} as const;

/** The walk of `memory-r1 start`: five stages, in their order. */
export class Tour {
  private stages = 0;
  private readonly started = Date.now();
  private readonly out: string;
  private readonly policy: RolloutContext;

  constructor(
    private readonly options: TourOptions,
    private readonly models: OpenedModels,
    private readonly opened: OpenedStore,
    private readonly embeddings: LexicalEmbeddings,
  ) {
    const { engine, base, prompts } = models;
    const { maxNewTokens, retrieval } = tourSettings;
    this.out = options.out;
    this.policy = { engine, tokenizer: base.tokenizer, prompts, embeddings, maxNewTokens, ...retrieval };
  }

  async walk(): Promise<void> {
    const { seed, dialogues, testDialogues, managerSteps, answererSteps } = this.options;
    const { base, extractor } = this.models;
    const world = generateDialogues({ seed, count: dialogues, split: "train", asking: "along" });
    await this.replaceEarlier();
    const where = this.opened.kind === "chroma" ? "a Chroma server" : "the memory of this process";

    this.stage(`recording ${dialogues} dialogues with the untrained agents, memories in ${where}`);
    const untrained = { extractor, manager: this.chat(undefined, trainDefaults.temperature), answerer: base };
    const first = await this.record(world, untrained, "untrained");

    this.stage("training the memory manager; the answer agent is frozen");
    const decisions = await this.recorded("untrained");
    await this.train(
      "manager",
      managerSteps,
      managerDecisionTask(decisions, { policy: this.policy, adapter: "manager", reward: "exact-match" }),
    );

    this.stage("recording the same dialogues with the trained manager");
    await this.record(first.map(withFacts), { manager: this.chat("manager"), answerer: base }, "trained-manager");

    this.stage("training the answer agent on the trained manager's banks");
    const asked = await this.recorded("trained-manager");
    await this.train(
      "answerer",
      answererSteps,
      answerTask(asked, { policy: this.policy, adapter: "answerer", reward: "exact-match" }),
    );

    this.stage(`comparing on ${testDialogues} held-out dialogues: other people, facts, and phrasings of questions`);
    await this.compare(generateDialogues({ seed, count: testDialogues, split: "test" }));
    this.tellHowToUse();
  }

  /** What an earlier tour left would otherwise be added to, or stand beside the beginning of this one. */
  private async replaceEarlier(): Promise<void> {
    if (existsSync(this.episodes("untrained"))) process.stdout.write(`The earlier tour in ${this.out} is replaced.\n`);
    for (const file of [...Object.values(reportFiles), reportPage]) await rm(join(this.out, file), { force: true });
  }

  private stage(text: string): void {
    const seconds = Math.round((Date.now() - this.started) / 1000);
    process.stdout.write(`\n[${++this.stages}/5, ${seconds} s] ${text}\n`);
  }

  /** What all agents of the tour have in common. */
  private get shared(): Pick<PlayAgents, "prompts" | keyof AnswerRetrieval> {
    return { prompts: this.models.prompts, ...tourSettings.retrieval };
  }

  private chat(adapter: string | undefined, temperature = 0): ChatOnnx {
    const { engine, base } = this.models;
    const fields = { ...base.sampling, engine, tokenizer: base.tokenizer, temperature, seed: this.options.seed };
    return new ChatOnnx(adapter === undefined ? fields : { ...fields, adapter });
  }

  private episodes(name: string): string {
    return join(this.out, `${name}.jsonl`);
  }

  private async record(dialogues: readonly Dialogue[], agents: PlayAgents, name: string): Promise<PlayedDialogue[]> {
    const recorder = new EpisodeRecorder({ path: this.episodes(name) });
    const progress = startProgress("record");
    const run = `${name}-${this.started}`;
    try {
      return await playDialogues(
        dialogues,
        { ...agents, ...this.shared },
        {
          store: this.opened.store,
          namespace: ({ id }) => ["recordings", run, namespaceLabel(id)],
          recorder,
          concurrency: tourSettings.concurrency,
          onProgress: progress.update,
        },
      );
    } finally {
      progress.end();
      recorder.close();
    }
  }

  /** Training draws by the names of what was recorded: the same tour has the same ones. */
  private async recorded(name: string): Promise<RecordedDialogue[]> {
    return recordedDialogues(withStableIds(await readEpisodes(this.episodes(name))));
  }

  private async train(agent: keyof typeof tourSettings.learningRate, steps: number, task: Task): Promise<void> {
    const { learningRate, maxNewTokens } = tourSettings;
    const { seed } = this.options;
    const summary = await train({
      engine: this.models.engine,
      adapter: agent,
      task,
      steps,
      seed,
      algorithm: { ...grpo, maxResponseLength: maxNewTokens, optimizer: { learningRate: learningRate[agent] } },
      out: join(this.out, agent),
      onStep: stepPrinter(agent, (line) => process.stdout.write(`  ${line}\n`)),
    });
    for (const line of summaryLines(agent, summary)) process.stdout.write(`  ${line}\n`);
  }

  private async compare(dialogues: readonly Dialogue[]): Promise<void> {
    const { base, extractor, prompts } = this.models;
    // Facts once for all, so that the managers are compared and not the luck of the extractor.
    const told = await extractDialogueFacts(dialogues, extractor, { prompts });
    const manager = this.chat("manager");
    const rows: [string, Pick<PlayAgents, "manager" | "answerer">][] = [
      ["base", { manager: base, answerer: base }],
      ["ADD-only", { manager: addOnly, answerer: base }],
      ["NOOP", { manager: noop, answerer: base }],
      ["trained manager", { manager, answerer: base }],
      ["trained both", { manager, answerer: this.chat("answerer") }],
      ["ADD-only, trained answ.", { manager: addOnly, answerer: this.chat("answerer") }],
    ];
    const configurations = rows.map(([name, agents]) => ({ name, agents: { ...agents, ...this.shared } }));
    const scores = await compareAgents(told.dialogues, configurations, {
      embeddings: this.embeddings,
      concurrency: tourSettings.concurrency,
    });
    process.stdout.write(`\n${formatEvaluation(scores)}\n`);
    await writeAtomic(join(this.out, reportFiles.scores), (file) => file.writeFile(`${JSON.stringify(scores)}\n`));
    const page = join(this.out, reportPage);
    await writeReport({ folders: [this.out] }, page);
    process.stdout.write(`\nReport: ${page} (open it in a browser)\n`);
  }

  private tellHowToUse(): void {
    const seconds = Math.round((Date.now() - this.started) / 1000);
    process.stdout.write(`
Done in ${seconds} s. Adapters: ${join(this.out, "manager", "adapter")} and ${join(this.out, "answerer", "adapter")}. In your own graph:

  import { createMemoryGraph, compactPrompts, openStore, LexicalEmbeddings } from "langgraph-memory-r1";
  import { ChatOnnx, tinyModel as folder } from "langgraph-memory-r1/train";

  const model = await ChatOnnx.load({ folder });
  const manager = await ChatOnnx.load({ folder, adapter: "${join(this.out, "manager", "adapter")}" });
  const answerer = await ChatOnnx.load({ folder, adapter: "${join(this.out, "answerer", "adapter")}" });
  const { store } = await openStore({ embeddings: new LexicalEmbeddings(), fields: ["text"] });
  const memory = createMemoryGraph({
    model, manager, answerer, store, prompts: compactPrompts,
    memoriesPerSpeaker: ${tourSettings.retrieval.memoriesPerSpeaker}, namedSpeakersOnly: ${tourSettings.retrieval.namedSpeakersOnly},
  }).compile();

Next: talk to them with  npx memory-r1 chat --adapter-manager ${join(this.out, "manager", "adapter")} --adapter-answerer ${join(this.out, "answerer", "adapter")}
`);
  }
}

/** The dialogue with the facts that were found in it, so that they need not be found again. */
function withFacts({ dialogue, steps }: PlayedDialogue): Dialogue {
  return { ...dialogue, turns: dialogue.turns.map((turn, i) => ({ ...turn, facts: [...steps[i]!.facts] })) };
}
