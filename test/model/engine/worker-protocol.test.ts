import { expect, it } from "vitest";
import { pack, unpack } from "../../../src/model/engine/worker-protocol.js";

const long = Array.from({ length: 40 }, (_, i) => (i === 7 ? Number.NaN : i / 3 - 5));
const message = [
  { promptIds: long, responses: [long, [1, 2], []], seed: 3, name: "a", absent: undefined, on: true },
  undefined,
  { words: Array.from({ length: 40 }, String) },
];

it("a message packs long lists of numbers, and comes back as it was", () => {
  const packed = structuredClone(pack(message)) as typeof message;
  expect((packed[0] as { promptIds: unknown }).promptIds).toBeInstanceOf(Float64Array);
  expect(unpack(packed)).toEqual(message);
});

it("what is no list and no plain record travels as it is", () => {
  const numbers = Float32Array.of(1, 2);
  expect(pack(numbers)).toBe(numbers);
  expect(unpack(pack("text"))).toBe("text");
  expect(pack(null)).toBe(null);
});
