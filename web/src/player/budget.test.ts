import { expect, it } from "vitest";
import { RetryBudget } from "./budget";

it("gives out longer and longer waits, then none", () => {
  const budget = new RetryBudget();
  const waits = Array.from({ length: 9 }, () => budget.next(0));
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000, 8000, undefined]);
});

it("starts over after playback that held", () => {
  const budget = new RetryBudget();
  for (let i = 0; i < 8; i++) budget.next(0);
  expect(budget.next(14_999)).toBeUndefined();
  expect(budget.next(15_000)).toBe(500);
});
