import fc from "fast-check";
import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { html, plainText, quoted } from "../../src/report/markup.js";
import { hostileTexts } from "./sample.js";

describe("html", () => {
  it("keeps every text a text, in elements and in attributes", () => {
    const texts = [...fc.sample(fc.string({ unit: "binary" }), { seed: 1, numRuns: 300 }), ...hostileTexts];
    const body = texts.map((text) => html`<p title="${text}">${text}</p>`.text).join("");
    const { document } = parseHTML(`<html><body>${body}</body></html>`);
    const paragraphs = [...document.body.children];
    expect(paragraphs.map(({ textContent }) => textContent)).toEqual(texts.map(plainText));
    expect(paragraphs.map((one) => one.getAttribute("title"))).toEqual(texts.map(plainText));
    expect(document.body.querySelectorAll(":not(p)").length).toBe(0);
  });

  it("puts templates into one another as they are, and nothing for null", () => {
    expect(html`<ul>${["a<", "b"].map((one) => html`<li>${one}</li>`)}${null}${undefined}${0}</ul>`.text).toBe(
      "<ul><li>a&lt;</li><li>b</li>0</ul>",
    );
  });
});

describe("plainText", () => {
  it("shows what can't be seen and what forces a direction as replacement characters, and keeps scripts and joiners", () => {
    expect(plainText("a\u0000b\u202ec\u2066d\ud800e\tf\ng")).toBe("a\ufffdb\ufffdc\ufffdd\ufffde\tf\ng");
    const kept = "שלום 👩‍🚀 عربى 日本";
    expect(plainText(kept)).toBe(kept);
  });
});

describe("quoted", () => {
  it("cuts by characters, never through the middle of one", () => {
    expect(quoted("👩👩👩", 2).text).toBe("<bdi>👩👩…</bdi>");
  });
});
