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
});
