import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { renderReport } from "../../src/report/page.js";
import { fullReport, hostileReport, recipeContent } from "./sample-report.js";

const places = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const executablePath = places.find((path) => path !== undefined && existsSync(path));
/** Milliseconds: a browser that starts on a busy machine. */
const PATIENCE = 100_000;

/** For each text on the page the least contrast of its colour with what is painted behind it, as WCAG counts; runs in the browser. */
const leastContrast = `(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = channels(getComputedStyle(document.body).backgroundColor);
  const all = [...document.querySelectorAll("body *:not(style, svg title)")].filter((one) =>
    [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ""));
  const contrasts = all.map((one) => {
    const style = getComputedStyle(one);
    let opacity = 1;
    for (let at = one; at !== null; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
    const ink = channels(one.ownerSVGElement ? style.fill : style.color);
    const seen = ink.slice(0, 3).map((c, i) => opacity * c + (1 - opacity) * paper[i]);
    const [dark, light] = [luminance(seen), luminance(paper.slice(0, 3))].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  });
  return Math.min(...contrasts);
})()`;

describe.skipIf(executablePath === undefined)(
  "the report in Chromium (skipped where none is installed; CHROMIUM names one)",
  () => {
    let browser: Browser;
    let folder: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "report-"));
      await writeFile(join(folder, "full.html"), renderReport(fullReport()));
      await writeFile(join(folder, "recipe.html"), renderReport(recipeContent()));
      await writeFile(join(folder, "hostile.html"), renderReport(hostileReport()));
      browser = await chromium.launch({
        executablePath: executablePath!,
        timeout: PATIENCE,
        args: [
          "--no-sandbox",
          "--disable-gpu",
          "--disable-background-networking",
          "--disable-component-update",
          "--disable-sync",
        ],
      });
    });

    afterAll(async () => {
      await browser?.close();
      await rm(folder, { recursive: true, force: true });
    });

    /** Opens a report; gathers what it asked for besides itself, and what the browser had to say of it. */
    async function open(
      name: string,
      colorScheme: "light" | "dark",
      width = 900,
    ): Promise<{ page: Page; heard: string[] }> {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
      page.setDefaultTimeout(PATIENCE);
      const heard: string[] = [];
      const address = pathToFileURL(join(folder, name)).href;
      page.on("request", (request) => request.url() !== address && heard.push(request.url()));
      page.on("console", (message) => heard.push(message.text()));
      page.on("pageerror", (error) => heard.push(error.message));
      page.on("dialog", (dialog) => {
        heard.push(dialog.message());
        void dialog.dismiss();
      });
      await page.goto(address);
      return { page, heard };
    }

    it.each([
      ["full.html", "light"],
      ["full.html", "dark"],
      ["recipe.html", "light"],
      ["recipe.html", "dark"],
    ] as const)(
      "%s is %s where the reader's system is, and all its text can be read",
      async (name, scheme) => {
        const { page } = await open(name, scheme);
        await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })");
        const paper = await page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
        const brightness = Number(/\d+/.exec(paper)![0]);
        expect(scheme === "light" ? brightness > 200 : brightness < 60).toBe(true);
        expect(await page.evaluate<number>(leastContrast)).toBeGreaterThanOrEqual(4.5);
        await page.close();
      },
      PATIENCE,
    );

    it.each([
      ["full.html", 7],
      // Validation, scores of both seeds and others, trainings of both seeds and another, a recording.
      ["recipe.html", 1 + 2 + 3 * 5 + 1],
    ])(
      "%s draws every chart with ink in it, and labels of at least nine pixels",
      async (name, number) => {
        const { page } = await open(name, "light");
        const charts = await page.evaluate<{ width: number; shapes: number; label: number }[]>(`
      [...document.querySelectorAll("svg[role=img]")].map((svg) => ({
        width: svg.getBoundingClientRect().width,
        shapes: [...svg.querySelectorAll("path, rect, circle, line")].filter((one) => one.getBoundingClientRect().width > 0).length,
        label: Math.min(...[...svg.querySelectorAll("text")].filter((one) => one.textContent.trim() !== "")
          .map((one) => one.getBoundingClientRect().height)),
      }))`);
        expect(charts.length).toBe(number);
        for (const { width, shapes, label } of charts) {
          expect(width).toBeGreaterThan(300);
          expect(shapes).toBeGreaterThan(3);
          expect(label).toBeGreaterThanOrEqual(9);
        }
        await page.close();
      },
      PATIENCE,
    );

    it.each(["full.html", "recipe.html"])(
      "%s fits a narrow screen without scrolling sideways",
      async (name) => {
        const { page } = await open(name, "light", 360);
        expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
        await page.close();
      },
      PATIENCE,
    );

    it(
      "asks for nothing and runs nothing, whatever its texts say",
      async () => {
        const { page, heard } = await open("hostile.html", "light");
        await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })");
        await page.mouse.move(200, 300);
        expect(heard).toEqual([]);
        expect(await page.title()).toContain("<script>");
        expect(await page.evaluate("document.querySelectorAll('script, img, base, link, #taken').length")).toBe(0);
        await page.close();
      },
      PATIENCE,
    );

    it(
      "would not let a script run if one got in, nor an address be asked",
      async () => {
        const { page, heard } = await open("full.html", "light");
        const asked: (string | undefined)[] = [];
        const server = createServer(({ url }, response) => {
          asked.push(url);
          response.end();
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        const { port } = server.address() as AddressInfo;
        try {
          await page.evaluate(`
        document.body.insertAdjacentHTML("beforeend", "<img src='http://127.0.0.1:${port}/x.png' onerror='document.title = 1'>");
        document.body.append(Object.assign(document.createElement("script"), { textContent: "document.title = 'taken'" }));`);
          const refused = (what: RegExp) => heard.some((one) => /Content Security Policy/.test(one) && what.test(one));
          await expect.poll(() => refused(/image/) && refused(/script/), { timeout: 60_000 }).toBe(true);
          expect(await page.title()).toBe("A small run");
          expect(asked).toEqual([]);
        } finally {
          server.close();
        }
        await page.close();
      },
      PATIENCE,
    );
  },
);
