import { expect, it } from "vitest";
import { RetryBudget } from "./budget";

const spent = () => {
  const budget = new RetryBudget(() => 0.5);
  for (let i = 0; i < 8; i++) budget.next(0);
  return budget;
};

it("gives out longer and longer waits, and never ends", () => {
  const budget = new RetryBudget(() => 0.5);
  const waits = Array.from({ length: 10 }, () => budget.next(0));
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000, 8000, 30_000, 30_000]);
});

it("is spent when the waits are long", () => {
  const budget = spent();
  expect(budget.spent).toBe(false);
  budget.next(0);
  expect(budget.spent).toBe(true);
});

it("starts over after playback that held", () => {
  const budget = spent();
  expect(budget.next(14_999)).toBe(30_000);
  expect(budget.next(15_000)).toBe(500);
});

it("starts over when something has changed", () => {
  const budget = spent();
  budget.renew();
  expect(budget.next(0)).toBe(500);
  expect(budget.spent).toBe(false);
});
