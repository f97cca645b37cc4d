import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backoff, pause } from "./backoff";

it.each([
  [0, 500],
  [1, 1000],
  [3, 4000],
  [4, 8000],
  [99, 8000],
])("try %d waits %d ms", (attempt, want) => expect(backoff(attempt)).toBe(want));

describe("pause", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("waits its time", async () => {
    const done = vi.fn();
    void pause(1000, new AbortController().signal).then(done);
    await vi.advanceTimersByTimeAsync(999);
    expect(done).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(done).toHaveBeenCalled();
  });

  it("ends when the signal fires, and leaves no timer", async () => {
    const stop = new AbortController();
    const waiting = pause(1000, stop.signal);
    stop.abort();
    await waiting;
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does not begin after the signal", async () => {
    await pause(1000, AbortSignal.abort());
    expect(vi.getTimerCount()).toBe(0);
  });
});
