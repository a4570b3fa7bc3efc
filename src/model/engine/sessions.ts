import type { Device } from "../../onnx/device.js";
import { emitModel, emitPrograms, type ModelDefinition } from "../../onnx/emit.js";
import { cast } from "../../onnx/operators.js";
import { programsOf } from "../../onnx/program.js";
import { type Runnable, Session } from "../../onnx/session.js";
import type { Value } from "../../onnx/value.js";
import type { Checkpoint } from "../checkpoint/weights.js";
import { Decoder, type DecoderParameters } from "../graph/decoder.js";
import { fusedGenerateGraph } from "../graph/fused-generate-graph.js";
import { generateGraph } from "../graph/generate-graph.js";
import { joined } from "../graph/joined-lora.js";
import { factored, merged, mergedWeights, plain } from "../graph/lora.js";
import { loraInputs } from "../graph/lora-inputs.js";
import { biasNames, frozenParameters, trainableParameters } from "../graph/parameters.js";
import { defaultForm, type PolicyForm } from "../graph/policy-form.js";
import type { GroupInputs } from "../graph/policy-graph.js";
import * as graphs from "../graph/policy-graph.js";
import type { Precision } from "../graph/precision.js";
import { tokenValues, VALUE_BIAS, VALUE_WEIGHT, valueHead, valueInputs, valueLoss } from "../graph/value-graph.js";
import type { UpdateRequest } from "./engine.js";
import { BatchRunner, overBatches } from "./micro-batches.js";

/**
 * "stream" decodes with caches that enter and leave the graph, "generate" as fast as it can; "reference" are the scores of the checkpoint
 * itself, whose graph takes no adapter: a third of the launches of "scores" are its thin products.
 */
export type Purpose = "generate" | "stream" | "scores" | "reference" | "values" | UpdateRequest["objective"];
export type ParameterKind = "lora" | "critic" | "full";

/** Above this size, writing merged weights anew in every run costs more on a CPU than two thin products a layer. */
const LARGEST_MERGED = 50e6;

export interface SessionsOptions {
  readonly device: Device;
  /** `SessionOptions.threads` of each session. */
  readonly threads?: number;
  /** Numbers in the checkpoint. */
  readonly parameters: number;
  readonly precision?: Precision;
  /**
   * Whether attention goes by the runtime's own kernel where no gradient passes through it, and adapters by joined products. By default
   * where it can on every device: in 16 bits, with heads of a multiple of 16 (CUDA's kernel has no float32).
   */
  readonly fused?: boolean;
  /**
   * Whether an adapter's decoding, scoring and update are one session, with one copy of the weights and one arena of memory. By default on
   * every device but the CPU, where sessions map the same file and differ in how they pack weights.
   */
  readonly united?: boolean;
  /** Begins the names of files that sessions write their profiles to when they are released. */
  readonly profilePrefix?: string;
}

/** What a session of all of a policy's work holds. */
const unitedPurposes = ["generate", "scores", "reference", "policy"] as const;

const formKey = ({ ratio, kl }: PolicyForm = defaultForm): string => `${ratio} ${kl}`;

interface GraphParameters {
  readonly parameters: DecoderParameters;
  readonly inputs: readonly Value[];
  readonly trainable: ReadonlyMap<string, Value>;
}

/** The compiled graphs of one checkpoint, each made when it is first needed. */
export class Sessions {
  private readonly made = new Map<string, Promise<Session>>();
  private united: { readonly form: string; readonly programs: Promise<ReadonlyMap<string, Runnable>> } | undefined;
  private readonly precision: Precision;
  private readonly fused: boolean;
  private readonly tensor: (name: string) => Value;

  constructor(
    private readonly checkpoint: Checkpoint,
    private readonly options: SessionsOptions,
  ) {
    this.precision = options.precision ?? "float32";
    this.fused = options.fused ?? (this.precision !== "float32" && checkpoint.config.headSize % 16 === 0);
    this.tensor = frozenParameters(checkpoint, this.precision);
  }

  /** The update of an objective; `form` is of the policy loss, GRPO's by default. */
  async update(objective: UpdateRequest["objective"], kind: ParameterKind, form?: PolicyForm): Promise<BatchRunner> {
    return new BatchRunner(await this.get(objective, kind, form), ["logprobs", "values"]);
  }

  async get(purpose: Purpose, kind: ParameterKind, form?: PolicyForm): Promise<Runnable> {
    // The plain graph serves both ways of decoding.
    if (purpose === "stream" && !this.fusedDecoding(kind)) return this.get("generate", kind);
    const { device, united = device !== "cpu" } = this.options;
    if (united && kind === "lora" && unitedPurposes.some((one) => one === purpose)) {
      return (await this.unite(purpose === "policy" ? (form ?? defaultForm) : undefined)).get(purpose)!;
    }
    const key = `${purpose} ${kind} ${formKey(form)}`;
    const known = this.made.get(key);
    if (known !== undefined) return known;
    // Only decoding multiplies few rows at a time; the other graphs would pay for packed weights in memory alone.
    const packWeights = device !== "cpu" || purpose === "generate" || purpose === "stream";
    return this.keep(key, this.open(emitModel(this.define(purpose, kind, form), device), packWeights));
  }

  /** The session of all purposes; made anew where its policy loss has another form than the one asked for. */
  private async unite(form: PolicyForm | undefined): Promise<ReadonlyMap<string, Runnable>> {
    const key = `united ${formKey(form)}`;
    if (this.united !== undefined && (form === undefined || this.united.form === key)) return this.united.programs;
    if (this.united !== undefined) {
      await (await this.made.get(this.united.form))?.release();
      this.made.delete(this.united.form);
    }
    const programs = Object.fromEntries(unitedPurposes.map((purpose) => [purpose, this.define(purpose, "lora", form)]));
    const session = this.keep(key, this.open(emitPrograms(programs, this.options.device), true));
    const united = { form: key, programs: session.then((opened) => programsOf(opened, programs)) };
    this.united = united;
    united.programs.catch(() => {
      if (this.united === united) this.united = undefined;
    });
    return united.programs;
  }

  /** Keeps a session that is being made; one that could not be made is tried again by the next call. */
  private keep(key: string, session: Promise<Session>): Promise<Session> {
    this.made.set(key, session);
    session.catch(() => {
      if (this.made.get(key) === session) this.made.delete(key);
    });
    return session;
  }

  private open(model: Uint8Array, packWeights: boolean): Promise<Session> {
    const { device, threads, profilePrefix } = this.options;
    const given = {
      ...(threads === undefined ? {} : { threads }),
      ...(profilePrefix === undefined ? {} : { profilePrefix }),
    };
    return Session.create(model, { device, folder: this.checkpoint.folder, packWeights, ...given });
  }

  async release(): Promise<void> {
    for (const made of await Promise.allSettled(this.made.values())) {
      if (made.status === "rejected") continue;
      if (this.options.profilePrefix !== undefined) made.value.endProfiling();
      await made.value.release();
    }
    this.made.clear();
    this.united = undefined;
  }

  private define(purpose: Purpose, kind: ParameterKind, form: PolicyForm | undefined): ModelDefinition {
    if (purpose === "generate" && this.fusedDecoding(kind)) return this.fusedGeneration();
    const decodes = purpose === "generate" || purpose === "stream";
    const { parameters, inputs, trainable } =
      purpose === "reference" ? this.checkpointAlone() : this.parameters(kind, decodes);
    const decoder = new Decoder(this.checkpoint.config, parameters);
    if (purpose === "generate" || purpose === "stream") return generateGraph(decoder, inputs);
    const config = this.checkpoint.config;
    const group = graphs.groupInputs();
    const { targetIds, ...seen } = group;
    const head = valueHead(config);
    const states = (of: GroupInputs | Omit<GroupInputs, "targetIds">) =>
      graphs.responseStates(decoder, of, { fused: this.fused });
    const scores = (of: GroupInputs) =>
      kind === "full"
        ? graphs.tokenScores(decoder.logits(states(of)), of.targetIds)
        : graphs.blockedTokenScores(decoder, states(of), of.targetIds);
    if (purpose === "values") {
      const values = tokenValues(decoder, states(seen), head);
      return { inputs: [...Object.values(seen), ...inputs, ...Object.values(head)], outputs: { values } };
    }
    if (purpose === "scores" || purpose === "reference") {
      return { inputs: [...Object.values(group), ...inputs], outputs: { logprobs: scores(group) } };
    }
    const scale = graphs.gradientScaleInput(this.precision);
    const shared = [...inputs, ...scale];
    const sums = (loss: Value, tensors: ReadonlyMap<string, Value>) => ({
      loss,
      ...graphs.namedGradients(loss, tensors, scale[0]),
    });
    switch (purpose) {
      case "value": {
        const { valueClip, ...perToken } = valueInputs();
        const tensors = new Map([...trainable, [VALUE_WEIGHT, head.weight], [VALUE_BIAS, head.bias]]);
        return overBatches({ ...seen, ...perToken }, [valueClip, ...shared, ...Object.values(head)], (batch) => {
          const values = tokenValues(decoder, states(batch), head);
          return { sums: sums(valueLoss(values, { ...batch, valueClip }), tensors), each: { values } };
        });
      }
      case "likelihood": {
        const { weights } = graphs.policyInputs();
        return overBatches({ ...group, weights }, shared, (batch) => {
          const logprobs = scores(batch);
          return { sums: sums(graphs.likelihoodLoss(logprobs, batch.weights), trainable), each: { logprobs } };
        });
      }
      case "policy": {
        const { clipLow, clipHigh, klCoefficient, ...perToken } = graphs.policyInputs(form);
        const settings = { clipLow, clipHigh, klCoefficient };
        const stacked = { ...seen, targetIds, ...perToken };
        return overBatches(stacked, [...Object.values(settings), ...shared], (batch) => {
          const logprobs = scores(batch);
          const loss = graphs.policyLoss(logprobs, { ...batch, ...settings }, form);
          return { sums: sums(loss, trainable), each: { logprobs } };
        });
      }
      default:
        return purpose satisfies never;
    }
  }

  private fusedDecoding(kind: ParameterKind): boolean {
    return this.fused && kind !== "full";
  }

  private fusedGeneration(): ModelDefinition {
    const { checkpoint, precision: dtype, tensor } = this;
    const lora = loraInputs(checkpoint.config, dtype);
    const weight = mergedWeights(tensor, lora);
    const parameters = { dtype, tensor, weight, biases: biasNames(checkpoint) };
    return fusedGenerateGraph(checkpoint.config, parameters, lora.inputs);
  }

  private checkpointAlone(): GraphParameters {
    const parameters = plain(this.tensor, biasNames(this.checkpoint), this.precision);
    return { parameters, inputs: [], trainable: new Map() };
  }

  private parameters(kind: ParameterKind, decoding: boolean): GraphParameters {
    const biases = biasNames(this.checkpoint);
    const { precision, tensor } = this;
    if (kind === "full") {
      const trainable = trainableParameters(this.checkpoint);
      const given = (name: string) => cast(trainable.get(name)!, precision);
      return { parameters: plain(given, biases, precision), inputs: [...trainable.values()], trainable };
    }
    const lora = loraInputs(this.checkpoint.config, precision);
    const { device, parameters } = this.options;
    const merges = device !== "cpu" || parameters <= LARGEST_MERGED;
    const apply = decoding ? (merges ? merged : factored) : this.fused ? joined : factored;
    return { parameters: apply(tensor, lora, biases, precision), inputs: lora.inputs, trainable: lora.trainable };
  }
}
