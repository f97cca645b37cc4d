import { expect, it } from "vitest";
import { bitrate, percent } from "./rate";

it.each([
  [0, "0 kb/s"],
  [840_400, "840 kb/s"],
  [999_499, "999 kb/s"],
  [2_449_000, "2.4 Mb/s"],
])("%d bits a second are %s", (bits, want) => expect(bitrate(bits)).toBe(want));

it.each([
  [0, "0 %"],
  [0.004, "0.4 %"],
  [0.12, "12 %"],
  [1, "100 %"],
])("a share of %d is %s", (share, want) => expect(percent(share)).toBe(want));
