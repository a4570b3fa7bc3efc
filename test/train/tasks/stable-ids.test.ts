import { expect, it } from "vitest";
import { recordedDialogues } from "../../../src/train/tasks/links.js";
import { withStableIds } from "../../../src/train/tasks/stable-ids.js";
import { recordWorld } from "../recorded-world.js";

/** What training draws by and replays: all but when and in which run it was recorded. */
const timeless = (events: Awaited<ReturnType<typeof recordWorld>>): unknown =>
  events.map((event) => ({ ...event, at: null, startedAt: null, run: null }));

it("two recordings of the same agents get the same ids, though they were made under others", async () => {
  const [first, second] = [await recordWorld(), await recordWorld()];
  expect(timeless(first)).not.toEqual(timeless(second));
  expect(timeless(withStableIds(first))).toEqual(timeless(withStableIds(second)));
});

it("dialogues that were played side by side come one after the other, each in its order", async () => {
  const events = await recordWorld();
  const mixed = [...events].sort((a, b) => Number(a.type === "answer") - Number(b.type === "answer"));
  const steps = mixed.filter(({ type }) => type === "memory_step");
  const rest = mixed.filter(({ type }) => type !== "memory_step");
  const two = (event: (typeof steps)[number]) => "namespace" in event && event.namespace.at(-1) === "two";
  const otherFirst = [...steps.filter(two), ...steps.filter((step) => !two(step)), ...rest];
  expect(withStableIds(otherFirst)).toEqual(withStableIds(mixed));
  const turns = recordedDialogues(withStableIds(otherFirst)).map((dialogue) => dialogue.steps.map(({ id }) => id));
  expect(turns.flat()).toEqual([
    ...["one, turn D1:1", "one, turn D1:2", "one, turn D1:3", "one, turn D1:4"],
    ...["two, turn D1:1", "two, turn D1:2", "two, turn D1:3"],
  ]);
});
