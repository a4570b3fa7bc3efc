import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { loaderFinds } from "../../src/cli/shared-library.js";
import { temporaryFolder } from "../model/reference.js";

describe.runIf(existsSync("/sbin/ldconfig"))("what the loader finds", () => {
  it("is in its cache, or on LD_LIBRARY_PATH", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "libmine.so.3"), "");
    vi.stubEnv("LD_LIBRARY_PATH", `/nowhere:${folder}`);
    expect(await loaderFinds("libmine.so.3")).toBe(true);
    expect(await loaderFinds("libother.so.3")).toBe(false);
    expect(await loaderFinds("libc.so.6")).toBe(true);
    vi.unstubAllEnvs();
  });
});
