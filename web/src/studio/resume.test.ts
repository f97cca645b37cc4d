import { expect, it } from "vitest";
import { parse } from "./resume";

it.each([
  ['{"id":7,"screen":true}', { id: 7, screen: true }],
  ['{"id":7}', { id: 7, screen: false }],
  ['{"id":"7"}', undefined],
  ["null", undefined],
  ["{", undefined],
  ["", undefined],
  [null, undefined],
])("remembers %s as %j", (text, want) => expect(parse(text)).toEqual(want));
