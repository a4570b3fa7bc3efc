import { expect, test } from "vitest";
import { LexicalEmbeddings } from "../../../src/store/search/lexical-embeddings.js";
import { TextIndex } from "../../../src/store/search/text-index.js";
import { wordsOf } from "../../../src/store/search/words.js";

test.each([
  ["Ana's café, No. 5: I ❤️ ﬁsh!", ["ana", "s", "café", "no", "5", "i", "fish"]],
  ["यह दिन है।", ["यह", "दिन", "है"]],
  ["安娜住在奥斯陆。", ["安娜", "住在", "奥斯陆"]],
  ["アンナはオスロに", ["アンナ", "は", "オスロ", "に"]],
  ["ฉันทำงานกับ Ana", ["ฉัน", "ทำงาน", "กับ", "ana"]],
])("the words of %j are %j", (text, expected) => {
  expect(wordsOf(text)).toEqual(expected);
});

test("words that differ in a mark have vectors of their own, and one word of a Chinese sentence is enough to find it", async () => {
  const [day, poor] = await new LexicalEmbeddings().embedDocuments(["यह दिन है", "यह दीन है"]);
  expect(day).not.toEqual(poor);
  const index = new TextIndex(["安娜住在奥斯陆", "本养了一只狗"].map((text, at) => ({ id: String(at), text })));
  expect(index.rank("安娜住在哪里")[0]!.id).toBe("0");
});
