import { readFileSync } from "node:fs";
import { Template } from "@huggingface/jinja";
import { Tokenizer } from "@huggingface/tokenizers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { generateSftExamples } from "../../src/synthetic/sft.js";

const read = (name: string): object =>
  z.looseObject({}).parse(JSON.parse(readFileSync(new URL(`../../models/tiny/${name}`, import.meta.url), "utf8")));
const tokenizer = new Tokenizer(read("tokenizer.json"), read("tokenizer_config.json"));
const encode = (text: string): number[] => tokenizer.encode(text, { add_special_tokens: false }).ids;
const decode = (ids: number[]): string => tokenizer.decode(ids, { skip_special_tokens: false });

describe("the tiny model's tokenizer", () => {
  it("gives texts of the world back unchanged", () => {
    for (const { messages, response } of generateSftExamples({ seed: 21, count: 700 })) {
      for (const text of [messages[1]?.content ?? "", response]) expect(decode(encode(text))).toBe(text);
    }
  });

  it("gives any unicode text back unchanged", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 60 }), (text) => decode(encode(text)) === text),
      { numRuns: 1000 },
    );
  });

  it("puts the special tokens first and keeps them whole", () => {
    expect(encode("<|pad|><|im_start|>user\nhi<|im_end|>").slice(0, 2)).toEqual([0, 1]);
    expect(encode("<|im_end|>")).toEqual([2]);
    expect(tokenizer.get_vocab().size).toBe(1024);
  });

  it("splits every digit from its neighbours", () => {
    expect(tokenizer.tokenize("m12 2023").map((token: string) => token.replace("Ġ", ""))).toEqual([
      ..."m12",
      ..."2023",
    ]);
  });

  it.each(["Wanda", "Kobado", "accordion", "Hungarian"])(
    "parts %s into the same pieces after a space and inside JSON, so that it can be copied",
    (word) => {
      const inText = tokenizer.tokenize(`- ${word}`).join("").replace("-Ġ", "");
      expect(inText).toBe(word);
      const afterSpace = tokenizer.tokenize(` ${word}`);
      expect(afterSpace[0]).toBe("Ġ");
      expect(afterSpace.slice(1)).toEqual(tokenizer.tokenize(word));
    },
  );

  it("has a chat template that opens the assistant's turn", () => {
    const { chat_template } = z.object({ chat_template: z.string() }).parse(read("tokenizer_config.json"));
    const messages = [
      { role: "system", content: "extract" },
      { role: "user", content: "hi" },
    ];
    expect(new Template(chat_template).render({ messages, add_generation_prompt: true })).toBe(
      "<|im_start|>system\nextract<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
    );
  });
});
