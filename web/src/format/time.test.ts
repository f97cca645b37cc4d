import { expect, it } from "vitest";
import { ago, count, elapsed, latency } from "./time";

it.each([
  [-5, "0:00"],
  [999, "0:00"],
  [7_000, "0:07"],
  [754_000, "12:34"],
  [3_599_999, "59:59"],
  [3_600_000, "1:00:00"],
  [3_723_000, "1:02:03"],
  [360_000_000, "100:00:00"],
])("elapsed %d ms is %s", (ms, want) => expect(elapsed(ms)).toBe(want));

it.each([
  [0, "0 viewers"],
  [1, "1 viewer"],
  [1204, "1,204 viewers"],
  [1234567, "1,234,567 viewers"],
])("%d counts as %s", (n, want) => expect(count(n, "viewer")).toBe(want));

const now = new Date("2026-11-22T12:00:00");
it.each([
  ["2026-11-22T12:00:30", "just now"], // a clock that runs ahead
  ["2026-11-22T11:59:30", "just now"],
  ["2026-11-22T11:55:00", "5 min ago"],
  ["2026-11-22T09:00:00", "3 h ago"],
  ["2026-11-20T12:00:00", "Nov 20"],
  ["2025-11-20T12:00:00", "Nov 20, 2025"],
])("%s was %s", (then, want) => expect(ago(new Date(then), now)).toBe(want));

it.each([
  [undefined, "–"],
  [-0.2, "0.0 s"],
  [1.26, "1.3 s"],
])("latency %s is %s", (seconds, want) => expect(latency(seconds)).toBe(want));
