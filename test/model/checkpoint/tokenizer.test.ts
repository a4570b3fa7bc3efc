import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { FileError, UsageError } from "../../../src/errors.js";
import { TokenStream } from "../../../src/model/chat/token-stream.js";
import { type ChatTokenizer, loadTokenizer } from "../../../src/model/checkpoint/tokenizer.js";
import { realCheckpoint, referenceFolder, referencesAbsent, temporaryFolder } from "../reference.js";
import { writeTinyTokenizer } from "../tiny-tokenizer.js";

const tiny = async (change: Parameters<typeof writeTinyTokenizer>[1] = {}): Promise<ChatTokenizer> =>
  loadTokenizer(await writeTinyTokenizer(await temporaryFolder(), change));

const streamed = (tokenizer: Pick<ChatTokenizer, "decode">, ids: readonly number[]): string => {
  const stream = new TokenStream(tokenizer);
  return ids.map((id) => stream.push(id)).join("") + stream.end();
};

describe("loadTokenizer", () => {
  it("gives any text back from its ids, and adds nothing around it", async () => {
    const tokenizer = await tiny();
    expect(tokenizer.encode("né")).toEqual([0x6e, 0xc3, 0xa9]);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
    );
  });

  it("shows or hides special tokens on request", async () => {
    const tokenizer = await tiny();
    expect(tokenizer.encode("a<|im_end|>")).toEqual([97, 257]);
    expect(tokenizer.decode([97, 257])).toBe("a");
    expect(tokenizer.decode([97, 257], { skipSpecial: false })).toBe("a<|im_end|>");
    expect(tokenizer.decode([])).toBe("");
  });

  it("renders a chat with and without the generation prompt", async () => {
    const tokenizer = await tiny();
    const messages = [{ role: "user", content: "hi" }];
    const rendered = "<|im_start|>user\nhi<|im_end|>\n";
    expect(tokenizer.render(messages, { addGenerationPrompt: false })).toBe(rendered);
    expect(tokenizer.render(messages)).toBe(`${rendered}<|im_start|>assistant\n`);
    expect(tokenizer.encodeChat(messages)).toEqual(tokenizer.encode(tokenizer.render(messages)));
  });

  it("never lets the content of a message end its turn or open another", async () => {
    const tokenizer = await tiny();
    const special = fc.constantFrom("<|im_end|>", "<|im_start|>", "<pad>", "<|im_", "end|>", "<", "\n", "system");
    fc.assert(
      fc.property(fc.array(fc.oneof(special, fc.string())), (parts) => {
        const ids = tokenizer.encodeChat([{ role: "user", content: parts.join("") }]);
        expect(ids.filter((id) => id >= 256)).toEqual([256, 257, 256]);
      }),
    );
  });

  it("collects the ids that end a response from all files, and the padding id", async () => {
    expect(await tiny()).toMatchObject({ stopIds: [257], padId: 258 });
    const tokenizer = await tiny({
      config: { eos_token_id: [3, 257], pad_token_id: 5 },
      tokenizerConfig: { pad_token: null },
    });
    expect(tokenizer).toMatchObject({ stopIds: [3, 257], padId: 5 });
  });

  it("takes the template from its own file first, then from a list of named ones", async () => {
    const list = [
      { name: "tool_use", template: "tools" },
      { name: "default", template: "default {{ eos_token }}" },
    ];
    const folder = await writeTinyTokenizer(await temporaryFolder(), { tokenizerConfig: { chat_template: list } });
    const rendered = async (): Promise<string> =>
      (await loadTokenizer(folder)).render([{ role: "user", content: "hi" }]);
    expect(await rendered()).toBe("default <|im_end|>");
    await writeFile(join(folder, "chat_template.json"), JSON.stringify({ chat_template: "from json" }));
    expect(await rendered()).toBe("from json");
    await writeFile(join(folder, "chat_template.jinja"), "from jinja {{ messages[0]['content'] | tojson }}");
    expect(await rendered()).toBe('from jinja "hi"');
  });

  it("offers templates what transformers offers: the year, no tools, and a way to refuse", async () => {
    const template =
      "{%- if tools is not none %}tools{% endif %}{{ strftime_now('%Y') | length }}" +
      "{%- if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}";
    const tokenizer = await tiny({ template });
    expect(tokenizer.render([{ role: "user", content: "hi" }])).toBe("4");
    const error = (): string => tokenizer.render([{ role: "system", content: "hi" }]);
    expect(error).toThrow(UsageError);
    expect(error).toThrow(/refuses these messages; found system: System role not supported/);
  });

  it.each([
    ["a missing template", { template: null }, /no chat template/],
    [
      "a template that does not parse",
      { template: "{% if" },
      /tokenizer_config\.json: the chat template does not parse/,
    ],
    [
      "an end token that does not exist",
      { tokenizerConfig: { eos_token: "</s>" } },
      /"eos_token" names a token.*"<\/s>"/,
    ],
    ["a padding token that does not exist", { tokenizerConfig: { pad_token: "[PAD]" } }, /"pad_token".*"\[PAD\]"/],
    ["no end token at all", { tokenizerConfig: { eos_token: null } }, /no token ends a response/],
    ["a token outside the model's vocabulary", { config: { vocab_size: 257 } }, /outside the model's vocabulary/],
  ])("refuses %s", async (_, change, message) => {
    const error = await tiny(change).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FileError);
    expect((error as FileError).message).toMatch(message);
  });

  it.each(["tokenizer.json", "tokenizer_config.json", "config.json"])("names a missing %s", async (name) => {
    const folder = await writeTinyTokenizer(await temporaryFolder());
    await rm(join(folder, name));
    await expect(loadTokenizer(folder)).rejects.toThrow(new RegExp(`${name}: file is missing`));
  });

  it("names a tokenizer.json that is something else", async () => {
    const folder = await writeTinyTokenizer(await temporaryFolder());
    await writeFile(join(folder, "tokenizer.json"), JSON.stringify({ model: { type: "Nonsense" } }));
    const error = await loadTokenizer(folder).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FileError);
    expect((error as FileError).where).toBe(join(folder, "tokenizer.json"));
  });
});

describe("TokenStream", () => {
  it("joins to the decoding of all tokens at once, even where they are not UTF-8", async () => {
    const tokenizer = await tiny();
    const id = fc.oneof(fc.integer({ min: 0, max: 258 }), fc.constantFrom(0xf0, 0x9f, 0x98, 0x80, 0xef, 0xbf, 0xbd));
    fc.assert(
      fc.property(fc.array(id), (ids) => {
        expect(streamed(tokenizer, ids)).toBe(tokenizer.decode(ids));
      }),
      { numRuns: 500 },
    );
  });

  it("gives each character out with its last token", async () => {
    const stream = new TokenStream(await tiny());
    const pieces = [...new TextEncoder().encode("é😀a")].map((byte) => stream.push(byte));
    expect(pieces).toEqual(["", "é", "", "", "", "😀", "a"]);
  });
});

const chatSchema = z.array(
  z.object({
    messages: z.array(z.object({ role: z.string(), content: z.string() })),
    rendered: z.string(),
    prompt_ids: z.array(z.number()),
    greedy_ids: z.array(z.number()),
    text: z.string(),
  }),
);

for (const name of ["SmolLM2-135M-Instruct", "Qwen2.5-Coder-0.5B-Instruct"]) {
  const folder = realCheckpoint(name);
  describe.skipIf(referencesAbsent || folder === undefined)(`${name} (needs ../shared and .models)`, () => {
    it("renders, encodes and decodes every reference chat as transformers does", async () => {
      const tokenizer = await loadTokenizer(folder!);
      const reference = JSON.parse(readFileSync(join(referenceFolder, "chat.json"), "utf8"));
      const chats = chatSchema.parse(reference[name]);
      expect(chats).toHaveLength(10);
      for (const chat of chats) {
        expect(tokenizer.render(chat.messages)).toBe(chat.rendered);
        expect(tokenizer.encodeChat(chat.messages)).toEqual(chat.prompt_ids);
        expect(tokenizer.decode(chat.greedy_ids)).toBe(chat.text);
        expect(streamed(tokenizer, chat.greedy_ids)).toBe(chat.text);
      }
    });
  });
}
