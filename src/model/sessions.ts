import { emitModel, type ModelDefinition } from "../onnx/emit.js";
import { type Device, Session } from "../onnx/session.js";
import type { Value } from "../onnx/value.js";
import { Decoder, type DecoderParameters } from "./decoder.js";
import type { PolicyForm, UpdateRequest } from "./engine.js";
import { generateGraph } from "./generate-graph.js";
import { factored, loraInputName, loraInputs, merged, plain } from "./lora.js";
import { biasNames, frozenParameters, trainableParameters } from "./parameters.js";
import * as graphs from "./policy-graph.js";
import { tokenValues, VALUE_BIAS, VALUE_WEIGHT, valueHead, valueInputs, valueLoss } from "./value-graph.js";
import type { Checkpoint } from "./weights.js";

export type Purpose = "generate" | "scores" | "values" | UpdateRequest["objective"];
export type ParameterKind = "lora" | "critic" | "full";

/** Above this size, writing merged weights anew in every run costs more on a CPU than two thin products a layer. */
const LARGEST_MERGED = 50e6;

/** The compiled graphs of one checkpoint, each made when it is first needed. */
export class Sessions {
  private readonly made = new Map<string, Promise<Session>>();

  constructor(
    private readonly checkpoint: Checkpoint,
    private readonly options: { readonly device: Device; readonly threads: number; readonly parameters: number },
  ) {}

  /** `form` is of the policy loss, GRPO's by default. */
  get(purpose: Purpose, kind: ParameterKind, form?: PolicyForm): Promise<Session> {
    const key = [purpose, kind, form?.ratio ?? "token", form?.kl ?? "k3"].join(" ");
    let session = this.made.get(key);
    if (session === undefined) {
      const { device, threads } = this.options;
      const model = emitModel(this.define(purpose, kind, form));
      // Only decoding multiplies few rows at a time; the other graphs would pay for packed weights in memory alone.
      const packWeights = device !== "cpu" || purpose === "generate";
      session = Session.create(model, { device, threads, folder: this.checkpoint.folder, packWeights });
      this.made.set(key, session);
    }
    return session;
  }

  async release(): Promise<void> {
    for (const session of this.made.values()) await (await session).release();
    this.made.clear();
  }

  private define(purpose: Purpose, kind: ParameterKind, form: PolicyForm | undefined): ModelDefinition {
    const { parameters, inputs, trainable } = this.parameters(kind, purpose === "generate");
    const decoder = new Decoder(this.checkpoint.config, parameters);
    if (purpose === "generate") return generateGraph(decoder, inputs);
    const group = graphs.groupInputs();
    const states = graphs.responseStates(decoder, group);
    if (purpose === "values" || purpose === "value") {
      const { targetIds: _, ...seen } = group;
      const head = valueHead(this.checkpoint.config);
      const tensors = new Map([...trainable, [VALUE_WEIGHT, head.weight], [VALUE_BIAS, head.bias]]);
      const values = tokenValues(decoder, states, head);
      const given = [...Object.values(seen), ...inputs, ...Object.values(head)];
      if (purpose === "values") return { inputs: given, outputs: { values } };
      const wanted = valueInputs();
      return graphs.withGradients(valueLoss(values, wanted), tensors, [...given, ...Object.values(wanted)], { values });
    }
    const { logprobs, entropies } = graphs.tokenScores(decoder.logits(states), group.targetIds);
    const tokens = Object.values(group);
    if (purpose === "scores") return { inputs: [...tokens, ...inputs], outputs: { logprobs, entropies } };
    const policy = graphs.policyInputs(form);
    const loss =
      purpose === "policy"
        ? graphs.policyLoss(logprobs, policy, form)
        : graphs.likelihoodLoss(logprobs, policy.weights);
    const wanted = purpose === "policy" ? Object.values(policy) : [policy.weights];
    return graphs.withGradients(loss, trainable, [...tokens, ...wanted, ...inputs], { logprobs });
  }

  private parameters(
    kind: ParameterKind,
    decoding: boolean,
  ): { parameters: DecoderParameters; inputs: readonly Value[]; trainable: ReadonlyMap<string, Value> } {
    const biases = biasNames(this.checkpoint);
    if (kind === "full") {
      const trainable = trainableParameters(this.checkpoint);
      return { parameters: plain((name) => trainable.get(name)!, biases), inputs: [...trainable.values()], trainable };
    }
    const lora = loraInputs(this.checkpoint.config);
    const trainable = new Map<string, Value>();
    for (const [layer, { a, b }] of lora.pairs) {
      trainable.set(loraInputName(layer, "lora_A"), a).set(loraInputName(layer, "lora_B"), b);
    }
    const apply = decoding && this.options.parameters <= LARGEST_MERGED ? merged : factored;
    return { parameters: apply(frozenParameters(this.checkpoint), lora, biases), inputs: lora.inputs, trainable };
  }
}
