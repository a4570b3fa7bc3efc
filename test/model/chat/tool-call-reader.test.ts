import { AIMessageChunk } from "@langchain/core/messages";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ToolCallReader } from "../../../src/model/chat/tool-call-reader.js";

/** The text and the calls of a reply that comes in pieces. */
function read(...pieces: string[]) {
  const reader = new ToolCallReader("call_x");
  const read = [...pieces.map((piece) => reader.push(piece)), reader.end()];
  const text = read.map((piece) => piece.text).join("");
  const tool_call_chunks = read.flatMap(({ calls }) => [...calls]);
  const { tool_calls = [], invalid_tool_calls = [] } = new AIMessageChunk({ content: text, tool_call_chunks });
  return { text, tool_calls, invalid_tool_calls };
}

const call = (name: string, args: object) => `<tool_call>\n${JSON.stringify({ name, arguments: args })}\n</tool_call>`;

describe("ToolCallReader", () => {
  it("parts a reply into its text and its calls, each with an id of its own", () => {
    const reply = `I look it up.\n${call("find", { city: "Oslo" })}\n${call("find", { city: "Rome", n: 2 })}`;
    expect(read(reply)).toEqual({
      text: "I look it up.",
      tool_calls: [
        { name: "find", args: { city: "Oslo" }, id: "call_x_0", type: "tool_call" },
        { name: "find", args: { city: "Rome", n: 2 }, id: "call_x_1", type: "tool_call" },
      ],
      invalid_tool_calls: [],
    });
  });

  it("takes a whole call at the end of a reply without its closing mark", () => {
    const reply = '<tool_call>\n{"name": "find", "arguments": {"city": "Oslo"}}';
    expect(read(reply).tool_calls).toMatchObject([{ name: "find", args: { city: "Oslo" } }]);
  });

  it("takes arguments that are JSON in a string, and a call without a line feed", () => {
    const source = JSON.stringify({ name: "find", arguments: '{"city":"Oslo"}' });
    expect(read(`<tool_call>${source}</tool_call>`).tool_calls).toMatchObject([
      { name: "find", args: { city: "Oslo" } },
    ]);
  });

  it("reads over a closing mark within an argument, escaped quotes and all", () => {
    const odd = { text: 'the mark is "</tool_call>", and \\', more: "</tool_call>" };
    const reply = `${call("note", odd)}\n${call("find", { city: "Oslo" })} done`;
    const { text, tool_calls } = read(...reply.split(/(?<=[<"\\])/));
    expect(tool_calls.map(({ args }) => args)).toEqual([odd, { city: "Oslo" }]);
    expect(text).toBe("done");
  });

  it("takes the marks as they come where a call has a string without an end", () => {
    const { tool_calls, invalid_tool_calls } = read(`<tool_call>{"name": "find</tool_call>${call("find", { n: 1 })}`);
    expect(invalid_tool_calls).toHaveLength(1);
    expect(tool_calls).toMatchObject([{ name: "find", args: { n: 1 } }]);
  });

  it.each([
    ["no JSON", "<tool_call>find Oslo</tool_call>", ""],
    ["arguments that are no object", '<tool_call>{"name": "find", "arguments": ["Oslo"]}</tool_call>', "find"],
    ["arguments that are text", '<tool_call>{"name": "find", "arguments": "Oslo"}</tool_call>', "find"],
    ["no name", '<tool_call>{"arguments": {}}</tool_call>', ""],
    ["a call that was cut off", '<tool_call>{"name": "find", "arguments": {"city": "Os', "find"],
  ])("says of %s that it is an invalid call, with what the model wrote", (_, reply, name) => {
    const { text, tool_calls, invalid_tool_calls } = read(reply);
    expect([text, tool_calls]).toEqual(["", []]);
    const written = reply.replace("</tool_call>", "");
    expect(invalid_tool_calls).toMatchObject([{ name, args: written, id: "call_x_0" }]);
  });

  it("leaves a reply without calls as it is", () => {
    for (const reply of ["", " a < b \n", "<tool", "<tool_calls>", "one\n\n"]) expect(read(reply).text).toBe(reply);
  });

  it("reads the same from a reply in any pieces, and never gives out a part of a mark", () => {
    const part = fc.constantFrom(
      "<tool_call>",
      "</tool_call>",
      '{"name": "f", "arguments": {"a": 1}}',
      " \n",
      "text",
      "<",
      "to",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), fc.array(fc.nat(200), { maxLength: 8 }), (parts, cuts) => {
        const reply = parts.join("");
        const at = [0, ...cuts.map((cut) => cut % (reply.length + 1)).sort((a, b) => a - b), reply.length];
        const pieces = at.slice(1).map((end, index) => reply.slice(at[index], end));
        expect(read(...pieces)).toEqual(read(reply));
        expect(read(...reply)).toEqual(read(reply));
        expect(read(reply).text).not.toContain("<tool_call>");
      }),
    );
  });
});
