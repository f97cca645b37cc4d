import { expect, it } from "vitest";
import { EdgeBandwidth } from "./edgebandwidth";

it("says nothing of the network while all is well", () => {
  const edge = new EdgeBandwidth(0);
  expect(edge.factor(100)).toBeUndefined();
  expect(edge.factor(7900)).toBeUndefined();
});

it("hopes for more after some patience", () => {
  const edge = new EdgeBandwidth(0);
  expect(edge.factor(8100)).toBe(2.5);
});

it("believes what was measured after trouble", () => {
  const edge = new EdgeBandwidth(0);
  edge.strained(20_000);
  expect(edge.factor(20_100)).toBe(1);
  expect(edge.factor(23_900)).toBe(1);
  expect(edge.factor(24_100)).toBeUndefined();
});

it("is twice as patient after a hope in vain, up to two minutes", () => {
  const edge = new EdgeBandwidth(0);
  let now = 0;
  const waits = [8000, 16_000, 32_000, 64_000, 120_000, 120_000];
  for (const wait of waits) {
    expect(edge.factor(now + wait - 100)).not.toBe(2.5);
    expect(edge.factor(now + wait + 100)).toBe(2.5);
    now += wait + 1000;
    edge.strained(now);
  }
});

it("does not lose patience over trouble that no hope caused", () => {
  const edge = new EdgeBandwidth(0);
  edge.strained(60_000);
  expect(edge.factor(60_000 + 8100)).toBe(2.5);
});
