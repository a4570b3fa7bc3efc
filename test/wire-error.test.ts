import { expect, test } from "vitest";
import * as errors from "../src/errors.js";
import { fromWire, toWire } from "../src/wire-error.js";

const { MemoryR1Error } = errors;
const subclasses = Object.values(errors).filter(
  (value): value is typeof MemoryR1Error => value !== MemoryR1Error && value.prototype instanceof MemoryR1Error,
);

test.each(subclasses.map((Subclass) => [Subclass.name, Subclass]))(
  "%s keeps its class and fields between threads",
  (_, Subclass) => {
    const sent = new Subclass({
      what: "the thread is not wanted",
      where: "here",
      found: "a thread",
      remedy: "leave it",
    });
    const received = fromWire(structuredClone(toWire(sent)));
    expect(received.constructor).toBe(Subclass);
    expect({ ...received }).toEqual({ ...sent });
    expect(received.message).toBe(sent.message);
  },
);

test("any other error becomes a plain one with its message", () => {
  expect(fromWire(structuredClone(toWire(new TypeError("no number"))))).toEqual(new Error("no number"));
});
