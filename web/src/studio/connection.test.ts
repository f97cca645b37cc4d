import { expect, it } from "vitest";
import { belongs } from "./connection";

const sdp = "v=0\r\na=ice-ufrag:abCD\r\na=ice-pwd:x\r\n";
it.each([
  ["abCD", true],
  ["ab", false], // a prefix of another's name
  ["old1", false],
  [undefined, true],
  ["", true],
])("a candidate of %j belongs: %s", (usernameFragment, want) => {
  expect(
    belongs({ candidate: "candidate:1 1 udp 1 192.0.2.1 1 typ host", usernameFragment: usernameFragment ?? null }, sdp),
  ).toBe(want);
});
