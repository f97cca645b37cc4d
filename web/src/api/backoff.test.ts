import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { backoff, pause, pauseBeforeRetry } from "./backoff";

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

describe("a pause before a retry", () => {
  let page: EventTarget;
  let tab: EventTarget & { hidden: boolean };

  beforeEach(() => {
    vi.useFakeTimers();
    page = new EventTarget();
    tab = Object.assign(new EventTarget(), { hidden: true });
    vi.stubGlobal("window", page);
    vi.stubGlobal("document", tab);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  function waiting(signal = new AbortController().signal) {
    const done = vi.fn();
    void pauseBeforeRetry(60_000, signal).then(done);
    return done;
  }

  it("waits its time without hope", async () => {
    const done = waiting();
    await vi.advanceTimersByTimeAsync(59_999);
    expect(done).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(done).toHaveBeenCalledWith(false);
  });

  it.each([
    ["the network is back", () => page.dispatchEvent(new Event("online"))],
    ["somebody looks again", () => ((tab.hidden = false), tab.dispatchEvent(new Event("visibilitychange")))],
  ])("ends when %s", async (_name, happen) => {
    const done = waiting();
    await vi.advanceTimersByTimeAsync(1000);
    happen();
    await vi.advanceTimersByTimeAsync(0);
    expect(done).toHaveBeenCalledWith(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("goes on when the page is hidden", async () => {
    const done = waiting();
    tab.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(0);
    expect(done).not.toHaveBeenCalled();
  });

  it("ends with the signal", async () => {
    const stop = new AbortController();
    const done = waiting(stop.signal);
    stop.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(done).toHaveBeenCalledWith(false);
  });
});
