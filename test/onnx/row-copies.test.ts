import { describe, expect, it } from "vitest";
import type { Device } from "../../src/onnx/device.js";
import { emitModel } from "../../src/onnx/emit.js";
import * as o from "../../src/onnx/operators.js";
import { Session } from "../../src/onnx/session.js";
import { input } from "../../src/onnx/value.js";
import { outline } from "./read-model.js";
import { tensor } from "./run-graph.js";

const x = input("x", "float32", ["B", "P", 2]);
const y = input("y", "float32", ["B", "R", 2]);
const [prompt, response] = o.split(
  o.concat([o.reshape(x, ["B*P", 2]), o.reshape(y, ["B*R", 2])], 0),
  ["B*P", "B*R"],
  0,
);
// As many as only the runtime knows.
const some = o.gather(o.reshape(y, ["R", "B", 2]), o.openRange(o.div(o.extent("R"), 2), "S"));
const joined = o.concat([o.reshape(x, ["B*P", 2]), o.reshape(some, ["B*S", 2])], 0);
const outputs = { prompt: prompt!, response: response!, joined };

const model = (device: Device) => emitModel({ inputs: [x, y], outputs }, device);

/** Graphs written for CUDA run on the CPU as well, where only their speed differs. */
async function run(device: Device, rows: number) {
  const session = await Session.create(model(device), { threads: 1 });
  const numbers = (count: number, start: number) => Array.from({ length: count }, (_, i) => start + i);
  const results = await session.run({
    x: tensor("float32", [2, 3, 2], numbers(12, 0)),
    y: tensor("float32", [2, rows, 2], numbers(4 * rows, 100)),
  });
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, { shape, data }]) => [name, { shape, data }]));
}

describe("rows that are joined and split again on CUDA", () => {
  for (const rows of [1, 2, 5]) {
    it(`are the same as on the CPU, with ${rows} in one of the parts`, async () => {
      expect(await run("cuda", rows)).toEqual(await run("cpu", rows));
    });
  }

  it("are copied by slices, for CUDA's split uploads a table as long as the axis", () => {
    expect(outline(model("cpu")).ops.filter((op) => /Slice|Split/.test(op))).toEqual(["Split"]);
    expect(outline(model("cuda")).ops.filter((op) => /Slice|Split/.test(op))).toEqual(["Slice", "Slice"]);
  });
});
