import { expect, it } from "vitest";
import { readConfig } from "../../../src/model/checkpoint/config.js";
import { openCheckpoint } from "../../../src/model/checkpoint/weights.js";
import { fusedGenerateGraph } from "../../../src/model/graph/fused-generate-graph.js";
import { mergedWeights } from "../../../src/model/graph/lora.js";
import { loraInputs } from "../../../src/model/graph/lora-inputs.js";
import { biasNames, frozenParameters } from "../../../src/model/graph/parameters.js";
import { emitModel } from "../../../src/onnx/emit.js";
import { outline } from "../../onnx/read-model.js";
import { tinyCheckpoint, tinyConfig } from "../tiny-checkpoint.js";

it("the decoding graph can be written for CUDA, whose lowering asks for extents that only a loop knows", async () => {
  const folder = await tinyCheckpoint({ ...tinyConfig, headSize: 16 });
  const checkpoint = await openCheckpoint(folder, await readConfig(folder));
  const [tensor, lora] = [frozenParameters(checkpoint, "float16"), loraInputs(checkpoint.config, "float16")];
  const parameters = {
    dtype: "float16",
    tensor,
    weight: mergedWeights(tensor, lora),
    biases: biasNames(checkpoint),
  } as const;
  const model = emitModel(fusedGenerateGraph(checkpoint.config, parameters, lora.inputs), "cuda");
  expect(outline(model).ops).toContain("Loop");
});
