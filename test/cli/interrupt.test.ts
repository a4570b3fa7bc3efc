import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";

it("a second Ctrl+C ends the process by the signal itself, whatever its threads are doing", async () => {
  const source = `
    import { untilInterrupted } from ${JSON.stringify(new URL("../../src/cli/interrupt.ts", import.meta.url).href)};
    setInterval(() => undefined, 1000);
    process.once("exit", () => console.log("ran on to its exit"));
    await untilInterrupted(() => new Promise(() => console.log("ready")));
  `;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", source]);
  let out = "";
  child.stdout.on("data", (text: Buffer) => {
    out += String(text);
    child.kill("SIGINT");
  });
  child.stderr.once("data", () => child.kill("SIGINT"));
  const [code, signal] = await once(child, "close");
  expect([code, signal, out]).toEqual([null, "SIGINT", "ready\n"]);
});
