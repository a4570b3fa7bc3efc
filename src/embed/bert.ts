import type { ModelDefinition } from "../onnx/emit.js";
import * as o from "../onnx/operators.js";
import { input, int64s, type Value } from "../onnx/value.js";
import type { BertConfig } from "./bert-config.js";

/** Every tensor that the encoder reads, by Hugging Face name without the prefix "bert.", with its shape. */
export function bertTensors(config: BertConfig, prefix = ""): Map<string, readonly number[]> {
  const { hiddenSize, intermediateSize, positions, tokenTypes, vocabularySize } = config;
  const shapes = new Map<string, readonly number[]>([
    [`${prefix}embeddings.word_embeddings.weight`, [vocabularySize, hiddenSize]],
    [`${prefix}embeddings.position_embeddings.weight`, [positions, hiddenSize]],
    [`${prefix}embeddings.token_type_embeddings.weight`, [tokenTypes, hiddenSize]],
  ]);
  const add = (name: string, ...shape: number[]): void => {
    shapes.set(`${prefix}${name}.weight`, shape);
    shapes.set(`${prefix}${name}.bias`, [shape[0]!]);
  };
  add("embeddings.LayerNorm", hiddenSize);
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `encoder.layer.${layer}`;
    for (const part of ["self.query", "self.key", "self.value", "output.dense"])
      add(`${at}.attention.${part}`, hiddenSize, hiddenSize);
    add(`${at}.attention.output.LayerNorm`, hiddenSize);
    add(`${at}.intermediate.dense`, intermediateSize, hiddenSize);
    add(`${at}.output.dense`, hiddenSize, intermediateSize);
    add(`${at}.output.LayerNorm`, hiddenSize);
  }
  return shapes;
}

/**
 * BERT (Devlin et al. 2018): int64 `input_ids` and `attention_mask` [B, T], 1 for a token and 0 for padding, to float32
 * `last_hidden_state` [B, T, hiddenSize]. All tokens are of type 0. `tensor` gives float32 weights by their name.
 */
export function bertGraph(config: BertConfig, tensor: (name: string) => Value): ModelDefinition {
  const ids = input("input_ids", "int64", ["B", "T"]);
  const mask = input("attention_mask", "int64", ["B", "T"]);
  const layers = new Layers(config, tensor);
  // What is added to a score: nothing for a token, and so much for padding that its share is 0.
  const hidden = o.reshape(o.mul(o.sub(o.cast(mask, "float32"), 1), 1e9), ["B", 1, 1, "T"]);
  const words = o.gather(tensor("embeddings.word_embeddings.weight"), ids);
  const positions = o.gather(tensor("embeddings.position_embeddings.weight"), o.range("T"));
  const type = o.gather(tensor("embeddings.token_type_embeddings.weight"), int64s([0]));
  const embedded = o.reshape(o.add(o.add(words, positions), type), ["B*T", config.hiddenSize]);
  let x = layers.norm(embedded, "embeddings.LayerNorm");
  for (let layer = 0; layer < config.layers; layer++) x = layers.block(x, hidden, `encoder.layer.${layer}`);
  return { inputs: [ids, mask], outputs: { last_hidden_state: o.reshape(x, ["B", "T", config.hiddenSize]) } };
}

/** The encoder's parts over rows [B·T, hiddenSize]. */
class Layers {
  constructor(
    private readonly config: BertConfig,
    private readonly tensor: (name: string) => Value,
  ) {}

  /** Post-norm: attention, then two linear layers, each added to its input and normalised. */
  block(x: Value, hidden: Value, name: string): Value {
    const attended = this.linear(this.attend(x, hidden, `${name}.attention.self`), `${name}.attention.output.dense`);
    const middle = this.norm(o.add(x, attended), `${name}.attention.output.LayerNorm`);
    const wide = gelu(this.linear(middle, `${name}.intermediate.dense`));
    return this.norm(o.add(middle, this.linear(wide, `${name}.output.dense`)), `${name}.output.LayerNorm`);
  }

  norm(x: Value, name: string): Value {
    const share = 1 / this.config.hiddenSize;
    const centred = o.sub(x, o.mul(o.reduceSum(x, [-1], true), share));
    const variance = o.mul(o.reduceSum(o.mul(centred, centred), [-1], true), share);
    const normal = o.div(centred, o.sqrt(o.add(variance, this.config.layerNormEpsilon)));
    return o.add(o.mul(normal, this.tensor(`${name}.weight`)), this.tensor(`${name}.bias`));
  }

  private linear(x: Value, name: string): Value {
    return o.add(o.matmul(x, this.tensor(`${name}.weight`), { transposeB: true }), this.tensor(`${name}.bias`));
  }

  private attend(x: Value, hidden: Value, name: string): Value {
    const { heads, hiddenSize } = this.config;
    const headSize = hiddenSize / heads;
    const split = (part: string) =>
      o.transpose(o.reshape(this.linear(x, `${name}.${part}`), ["B", "T", heads, headSize]), [0, 2, 1, 3]);
    const scores = o.matmul(split("query"), split("key"), { transposeB: true, alpha: 1 / Math.sqrt(headSize) });
    const mixed = o.matmul(o.softmax(o.add(scores, hidden)), split("value"));
    return o.reshape(o.transpose(mixed, [0, 2, 1, 3]), ["B*T", hiddenSize]);
  }
}

/** x · Φ(x), exactly (Hendrycks & Gimpel 2016). */
function gelu(x: Value): Value {
  return o.mul(o.mul(x, 0.5), o.add(o.erf(o.mul(x, Math.SQRT1_2)), 1));
}
