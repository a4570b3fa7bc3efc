import { multiplyDims } from "../../onnx/dimension.js";
import * as o from "../../onnx/operators.js";
import type { Value } from "../../onnx/value.js";
import type { DecoderConfig } from "../checkpoint/config.js";
import type { Projections } from "./attention.js";
import type { Precision } from "./precision.js";
import { rotaryTables } from "./rope.js";

/** The parameters of a decoder as graph values, and how its linear layers are applied (plain, or with an adapter). */
export interface DecoderParameters {
  /** Of weights and activations. */
  readonly dtype: Precision;
  /** By Hugging Face name, such as "model.norm.weight". */
  tensor(name: string): Value;
  /**
   * x [rows, in], or norm(x) where there is a norm, to [rows, out] of layers that share this input, each named without ".weight", such as
   * "model.layers.0.mlp.up_proj". A norm is cheap enough to be computed again in the backward pass.
   */
  linears(x: Value, names: readonly string[], norm?: (x: Value) => Value): readonly Value[];
  /** A layer of silu(gate) · up, both [rows, in]. */
  gatedLinear(gate: Value, up: Value, name: string): Value;
}

/** Mixes tokens in one layer: projections of all rows to contexts [rows, heads · headSize]. */
export type Attend = (projections: Projections, layer: number) => Value;

/** The decoder that Llama, SmolLM2, Mistral, Qwen2 and Qwen3 share: pre-norm blocks of rotary attention and a gated MLP. */
export class Decoder {
  private readonly tables: { readonly cosines: Value; readonly sines: Value };

  constructor(
    readonly config: DecoderConfig,
    private readonly parameters: DecoderParameters,
  ) {
    this.tables = rotaryTables(config, parameters.dtype);
  }

  get dtype(): Precision {
    return this.parameters.dtype;
  }

  /** Token ids [rows] to hidden states [rows, hiddenSize]. */
  embed(ids: Value): Value {
    return o.gather(this.parameters.tensor("model.embed_tokens.weight"), ids);
  }

  /** One block: x [rows, hiddenSize] at positions [rows]. */
  layer(x: Value, positions: Value, index: number, attend: Attend): Value {
    const name = `model.layers.${index}`;
    const attended = attend(this.project(x, positions, name), index);
    const [mixed] = this.parameters.linears(attended, [`${name}.self_attn.o_proj`]);
    const middle = o.add(x, mixed!);
    const layers = ["gate_proj", "up_proj"].map((part) => `${name}.mlp.${part}`);
    const norm = (hidden: Value) => this.norm(hidden, `${name}.post_attention_layernorm`);
    const [gate, up] = this.parameters.linears(middle, layers, norm);
    return o.add(middle, this.parameters.gatedLinear(gate!, up!, `${name}.mlp.down_proj`));
  }

  layers(x: Value, positions: Value, attend: Attend): Value {
    let hidden = x;
    for (let index = 0; index < this.config.layers; index++) hidden = this.layer(hidden, positions, index, attend);
    return hidden;
  }

  /** Hidden states [rows, hiddenSize] to float32 next-token logits [rows, vocabularySize]. */
  logits(hidden: Value): Value {
    return o.cast(o.matmul(this.lastNorm(hidden), this.head(), { transposeB: true }), "float32");
  }

  /** Weights of the language model's head [vocabularySize, hiddenSize]. */
  head(): Value {
    return this.parameters.tensor(this.config.tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight");
  }

  /** Hidden states [rows, hiddenSize] as the heads see them. */
  lastNorm(hidden: Value): Value {
    return this.norm(hidden, "model.norm");
  }

  private norm(x: Value, name: string): Value {
    return o.rmsNorm(x, this.parameters.tensor(`${name}.weight`), this.config.rmsNormEpsilon);
  }

  private project(x: Value, positions: Value, name: string): Projections {
    const { heads, keyValueHeads } = this.config;
    const layers = ["q_proj", "k_proj", "v_proj"].map((part) => `${name}.self_attn.${part}`);
    const norm = (hidden: Value) => this.norm(hidden, `${name}.input_layernorm`);
    const [queries, keys, values] = this.parameters.linears(x, layers, norm);
    const rotated = (rows: Value, part: "q" | "k", count: number) => {
      const normal = this.normHeads(rows, `${name}.self_attn.${part}_norm`, count);
      return o.rotaryEmbedding(normal, positions, this.tables.cosines, this.tables.sines, count);
    };
    return { queries: rotated(queries!, "q", heads), keys: rotated(keys!, "k", keyValueHeads), values: values! };
  }

  private normHeads(x: Value, name: string, count: number): Value {
    if (!this.config.queryKeyNorm) return x;
    const perHead = [multiplyDims(x.shape[0]!, count), this.config.headSize];
    return o.reshape(this.norm(o.reshape(x, perHead), name), x.shape);
  }
}
