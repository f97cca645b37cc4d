import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { offset, parseTime, ServerClock } from "./clock";

it.each([
  ["2026-02-03T10:01:48.123Z", 1770112908123],
  ['"2026-02-03T10:01:48.123Z"', 1770112908123],
  ["2026-02-03T10:01:48Z\n", 1770112908000],
  ["soon", undefined],
  ["", undefined],
])("reads %j as %s", (text, want) => expect(parseTime(text)).toBe(want));

it("takes the server's reading to be from the middle of the round trip", () => {
  expect(offset(1000, 1200, 5100)).toEqual({ roundTrip: 200, offset: 4000 });
});

describe("server clock", () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  /** Answers after the given delays, by a clock that is 5 s ahead. */
  function serve(delays: number[]) {
    vi.stubGlobal("fetch", async () => {
      const delay = delays.shift() ?? 0;
      vi.setSystemTime(Date.now() + delay);
      return new Response(new Date(Date.now() + 5000 - delay * 0.9).toISOString());
    });
  }

  it("keeps the answer that came back fastest", async () => {
    serve([800, 20, 400]);
    const clock = new ServerClock();
    await clock.sync();
    expect((clock.now() ?? 0) - Date.now()).toBe(5000 - 18 + 10);
  });

  it("knows nothing before it has asked", () => {
    expect(new ServerClock().now()).toBeUndefined();
  });

  it("goes by this machine when nobody answers", async () => {
    vi.stubGlobal("fetch", async () => {
      throw new TypeError("Failed to fetch");
    });
    const clock = new ServerClock();
    await clock.sync();
    expect(clock.now()).toBe(Date.now());
  });

  /** The browser's buffer of request times: 250 fit in. */
  function recordTimes() {
    let entries: { name: string; startTime: number; requestStart: number; responseStart: number }[] = [];
    vi.stubGlobal("performance", {
      now: () => Date.now() - 1_000_000,
      getEntriesByName: (name: string) => entries.filter((entry) => entry.name === name),
      clearResourceTimings: () => (entries = []),
    });
    return (name: string, ms: number) => {
      const to = performance.now();
      if (entries.length < 250) entries.push({ name, startTime: to - ms, requestStart: to - ms, responseStart: to });
    };
  }

  it.each([
    ["with room for times", 10],
    ["after media have filled the buffer of times", 300],
  ])("is right for hours, %s", async (_name, requests) => {
    const record = recordTimes();
    const clock = new ServerClock(async () => {
      vi.setSystemTime(Date.now() + 20);
      record("http://localhost/time", 20);
      return new Response(new Date(Date.now() + 5000 - 10).toISOString());
    });
    for (let hour = 0; hour < 5; hour++) {
      await clock.sync();
      expect((clock.now() ?? 0) - Date.now()).toBe(5000);
      for (let i = 0; i < requests; i++) record("http://localhost/part", 300);
      vi.setSystemTime(Date.now() + 3_600_000);
    }
  });
});
