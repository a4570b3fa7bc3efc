import { AIMessage, AIMessageChunk, type StandardMessageStructure } from "@langchain/core/messages";
import type { ChatCall, ChatOutcome } from "./chat-call.js";
import { type ReadPiece, ToolCallReader } from "./tool-call-reader.js";

type Message = AIMessage<StandardMessageStructure> | AIMessageChunk<StandardMessageStructure>;

/** The ids of calls follow from the prompt: the same one gives the same ids, and each turn of a chat others. */
export function callReader(promptSeed: number, reply: string): ToolCallReader {
  const calls = new ToolCallReader(`call_${promptSeed.toString(16).padStart(8, "0")}`);
  calls.push(reply);
  return calls;
}

/** What a piece of text gives out: itself, or what of it is text and calls. */
export function piecesOf({ calls }: ChatCall, text: string, end: boolean): ReadPiece[] {
  const pieces = calls === undefined ? [{ text, calls: [] }] : [calls.push(text), ...(end ? [calls.end()] : [])];
  return pieces.filter((piece) => piece.text !== "" || piece.calls.length > 0);
}

/** The message of a whole reply. With tools it is a chunk, as `withStructuredOutput` asks for. */
export function wholeMessage(call: ChatCall, text: string, outcome: ChatOutcome): Message {
  if (call.calls === undefined) return new AIMessage<StandardMessageStructure>({ content: text, ...outcome });
  const pieces = piecesOf(call, text, true);
  return new AIMessageChunk<StandardMessageStructure>({
    content: pieces.map((piece) => piece.text).join(""),
    tool_call_chunks: pieces.flatMap((piece) => [...piece.calls]),
    ...outcome,
  });
}
