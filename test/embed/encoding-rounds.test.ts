import { expect, test } from "vitest";
import { EncodingRounds } from "../../src/embed/encoding-rounds.js";

const ids = (length: number) => new Array<number>(length).fill(length);
const lengths = (rows: readonly (readonly number[])[]) => rows.map((row) => row.length);

test("texts that are wanted at the same time go together, those of like length in one batch, and each gets its own vector", async () => {
  const batches: number[][] = [];
  const rounds = new EncodingRounds(async (rows) => {
    batches.push(lengths(rows));
    return rows.map((row) => [row.length]);
  }, 2);
  const wanted = [5, 1, 4, 2, 3].map((length) => rounds.vector(ids(length)));
  expect(await Promise.all(wanted)).toEqual([[5], [1], [4], [2], [3]]);
  expect(batches).toEqual([[1, 2], [3, 4], [5]]);
});

test("what comes while a round is under way makes the next one", async () => {
  const batches: number[][] = [];
  let late: Promise<number[]> | undefined;
  const rounds = new EncodingRounds(async (rows) => {
    batches.push(lengths(rows));
    late ??= rounds.vector(ids(1));
    return rows.map((row) => [row.length]);
  }, 8);
  await Promise.all([rounds.vector(ids(3)), rounds.vector(ids(2))]);
  expect(await late).toEqual([1]);
  expect(batches).toEqual([[2, 3], [1]]);
  expect(await rounds.vector(ids(7))).toEqual([7]);
});

test("a batch that fails rejects its own texts, and the next one is tried", async () => {
  const rounds = new EncodingRounds(async (rows) => {
    if (rows.some((row) => row.length > 2)) throw new Error("too long");
    return rows.map((row) => [row.length]);
  }, 2);
  const results = await Promise.allSettled([3, 1, 2, 4].map((length) => rounds.vector(ids(length))));
  expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled", "rejected"]);
  expect(await rounds.vector(ids(1))).toEqual([1]);
});
