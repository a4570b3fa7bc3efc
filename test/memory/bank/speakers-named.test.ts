import { expect, it } from "vitest";
import { speakersNamed } from "../../../src/memory/bank/speakers-named.js";

it.each<[string, string, string[]]>([
  ["whom a question names", "Where does Ana live?", ["Ana"]],
  ["nobody where a name is only a part of a word", "Also, where do we all live, although?", []],
  ["the longer of two names that begin alike", "Where does Anastasia live?", ["Anastasia"]],
  ["not the first name of somebody else", "Did Ana Maria call?", ["Ana Maria"]],
  ["both where both are there", "Did Ana call Ana Maria?", ["Ana", "Ana Maria"]],
  ["a possessive, and a name before a full stop", "Is it Ana's, or Al.", ["Ana", "Al"]],
  ["a name in another composition of its letters", "What pet does Jose\u0301 have?", ["José"]],
  ["a name with signs of regular expressions", "Is D. (Dee) there?", ["D. (Dee)"]],
  ["nobody for an empty name", "Who is there?", []],
])("finds %s", (_, question, named) => {
  expect(speakersNamed(question, ["Ana", "Anastasia", "Ana Maria", "Al", "José", "D. (Dee)", ""])).toEqual(named);
});
