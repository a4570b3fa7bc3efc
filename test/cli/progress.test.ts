import { expect, it } from "vitest";
import { startProgress } from "../../src/cli/progress.js";

it("the time left of work that goes on is told by what was done since", () => {
  let time = 0;
  const lines: string[] = [];
  const stream = { isTTY: false, write: (line: string) => lines.push(line) } as unknown as NodeJS.WriteStream;
  const progress = startProgress("base", { stream, now: () => time });
  progress.update({ done: 900, total: 1000 });
  for (let done = 901; done <= 910; done++) {
    time += 10_000;
    progress.update({ done, total: 1000 });
  }
  expect(lines.at(-1)).toBe("base: 910/1000, 100 s, 900 s left\n");
});
