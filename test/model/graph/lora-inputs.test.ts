import { expect, it } from "vitest";
import { feedsOf, newLora } from "../../../src/model/engine/parameter-set.js";
import { loraInputs } from "../../../src/model/graph/lora-inputs.js";
import { unstackLora } from "../../../src/model/graph/lora-stacks.js";
import type { HostTensor } from "../../../src/onnx/session.js";
import { inputName, type Value } from "../../../src/onnx/value.js";
import { Random } from "../../../src/random.js";
import { runGraph } from "../../onnx/run-graph.js";
import { tinyConfig } from "../tiny-checkpoint.js";

it("an adapter's stacks give every layer its own A, and its B times alpha / rank", async () => {
  // Two stacks of each kind.
  const config = { ...tinyConfig, layers: 10 };
  const set = newLora(config, { rank: 3, alpha: 6, seed: 2 });
  const random = new Random(8);
  for (const { data } of set.tensors.values()) for (let i = 0; i < data.length; i++) data[i] = random.next();
  const { pairs, inputs } = loraInputs(config, "float32");
  const feeds = feedsOf(set);

  const given = inputs.map((value) => [value, feeds[inputName(value)]!] as readonly [Value, HostTensor]);
  const outputs = Object.fromEntries(
    [...pairs].flatMap(([name, { a, b }]) => [[`${name} a`, a] as const, [`${name} b`, b] as const]),
  );
  const results = await runGraph(given, outputs);
  for (const [name, { A, B }] of unstackLora(config, (stack) => set.tensors.get(stack)!.data)) {
    expect(results[`${name} a`]!.data).toEqual([...A]);
    expect(results[`${name} b`]!.data).toEqual([...B.map((x) => 2 * x)]);
  }
});
