import { expect, it } from "vitest";
import { attentionWidth } from "../../../src/model/graph/extra-columns.js";

it("heads with their extra columns round up to a width that the runtime's kernels have", () => {
  const widths = [16, 64, 80, 96, 120, 128, 152, 160, 184, 192, 216, 248].map((size) => [size, attentionWidth(size)]);
  expect(Object.fromEntries(widths)).toEqual({
    16: 24,
    64: 72,
    80: 88,
    96: 104,
    120: 128,
    128: 168,
    152: 168,
    160: 168,
    184: 192,
    192: 232,
    216: 232,
    248: 256,
  });
});
