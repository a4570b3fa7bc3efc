import { describe, expect, it } from "vitest";
import { runCli } from "./run-cli.js";

describe("memory-r1 doctor", () => {
  it("says which devices work, and for each that does not why, as text and as JSON", async () => {
    const { stdout } = await runCli("doctor", "--json");
    const report = JSON.parse(stdout) as { devices: { device: string; works: boolean; why?: string }[] };
    expect(report.devices.map(({ device }) => device)).toEqual(["cpu", "cuda", "webgpu"]);
    expect(report.devices[0]).toEqual({ device: "cpu", works: true });
    for (const { works, why } of report.devices) expect(works || why !== undefined).toBe(true);
    expect((await runCli("doctor")).stdout).toMatch(/^cpu: works$/m);
  });

  it("refuses to install what it has no package for", async () => {
    const { code, stderr } = await runCli("doctor", "--install", "webgpu");
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/cuda/);
  });
});
