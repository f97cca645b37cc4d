import { describe, expect, it } from "vitest";
import { LatencyController, type LatencyWish } from "./latency";

interface Line {
  wish?: LatencyWish;
  /** Seconds that are buffered when playback begins. */
  buffered: number;
  /** Seconds by which the chunk made at a time comes late. */
  late: (at: number) => number;
  seconds: number;
}

const chunk = 4 / 30;
const tick = 0.1;

/** Plays over a simulated line, and tells how it went. */
function play({ wish = "lowest", buffered, late, seconds }: Line) {
  const controller = new LatencyController(wish);
  let [end, position, stalls, fastest] = [0, -buffered, 0, 0];
  let starved = false;
  const rates: number[] = [];
  const behind: number[] = [];
  for (let i = 0; i < seconds / tick; i++) {
    const now = i * tick;
    // Chunks come in order: one that is late holds back those behind it.
    while (end + chunk + late(end) <= now + 1e-9) end += chunk;
    const ahead = end - position;
    const dry = ahead <= 0.001;
    if (dry && !starved && now > 5) stalls++;
    starved = dry;
    const { rate, skip } = controller.step({ now: now * 1000, ahead, starved });
    if (!dry) position = Math.min(end, position + rate * tick + skip);
    fastest = Math.max(fastest, rate);
    rates.push(rate);
    behind.push(now - position);
  }
  const last = behind.slice(-50);
  return { stalls, fastest, rates, controller, behind: last.reduce((a, b) => a + b) / last.length };
}

const never = () => 0;

describe("on a steady line", () => {
  it("keeps a chunk and a little", () => {
    const { behind, stalls } = play({ buffered: 0.5, late: never, seconds: 60 });
    expect(behind).toBeLessThan(0.3);
    expect(stalls).toBe(0);
  });

  it("starts in the right place instead of catching up", () => {
    const { fastest, behind } = play({ buffered: 4, late: never, seconds: 5 });
    expect(fastest).toBeLessThan(1.2);
    expect(behind).toBeLessThan(0.5);
  });

  it("settles: the rate does not waver", () => {
    const { rates } = play({ buffered: 0.5, late: never, seconds: 60 });
    expect(new Set(rates.slice(-100)).size).toBe(1);
  });
});

describe("on an uneven line", () => {
  it("keeps as much more as it needs", () => {
    // Every seventh chunk is 150 ms late.
    const uneven = (at: number) => (Math.round(at / chunk) % 7 === 0 ? 0.15 : 0);
    const { behind, stalls } = play({ buffered: 0.5, late: uneven, seconds: 60 });
    expect(stalls).toBeLessThanOrEqual(1);
    expect(behind).toBeGreaterThan(0.15);
    expect(behind).toBeLessThan(0.6);
  });

  it("learns from what comes rarely, and forgets it in time", () => {
    // 300 ms late every three seconds, for half a minute.
    const rare = (at: number) => (at < 30 && at % 3 < chunk ? 0.3 : 0);
    const during = play({ buffered: 0.5, late: rare, seconds: 30 });
    expect(during.stalls).toBeLessThanOrEqual(3);
    const after = play({ buffered: 0.5, late: rare, seconds: 120 });
    expect(after.controller.target).toBeLessThan(during.controller.target);
    expect(after.behind).toBeLessThan(0.35);
  });

  it.each([40, 155])("tries a line less often that has trouble every %i seconds", (every) => {
    const seconds = 25 * every;
    const rare = (at: number) => (at % every < chunk ? 0.5 : 0); // 24 times
    expect(play({ buffered: 0.5, late: rare, seconds }).stalls).toBeLessThanOrEqual(16);
  });

  it("never holds back without end", () => {
    const awful = (at: number) => (at % 4 < 2 ? 2 : 0);
    const { controller } = play({ buffered: 0.5, late: awful, seconds: 300 });
    expect(controller.target).toBeLessThanOrEqual(2.5);
  });
});

it("is smooth where that is asked for", () => {
  const rare = (at: number) => (at % 3 < chunk ? 1 : 0);
  const { behind, stalls } = play({ wish: "smooth", buffered: 2, late: rare, seconds: 60 });
  expect(stalls).toBe(0);
  expect(behind).toBeGreaterThan(1.5);
  expect(behind).toBeLessThan(3.5);
});

it("plays no faster than a quarter more, and no slower than a twelfth less", () => {
  const controller = new LatencyController("lowest");
  for (let i = 0; i < 400; i++) {
    const { rate } = controller.step({ now: i * 100, ahead: Math.abs(Math.sin(i / 9)) * 3, starved: i % 50 === 0 });
    expect(rate).toBeLessThanOrEqual(1.25);
    expect(rate).toBeGreaterThanOrEqual(0.92);
  }
});

it("skips what playing faster would take too long for", () => {
  const controller = new LatencyController("lowest");
  let skipped = 0;
  for (let i = 0; i < 60; i++)
    skipped += controller.step({ now: i * 100, ahead: i < 40 ? 0.2 : 8, starved: false }).skip;
  expect(skipped).toBeGreaterThan(7);
});

describe("a browser that stands still with media at hand", () => {
  /** When (s) and by how much (s) a playhead is moved on that stands still for two seconds at 5 s and at 20 s, with so much more at hand in each tenth of a second. */
  function skips(more: number) {
    const controller = new LatencyController("lowest");
    const skipped: { at: number; skip: number }[] = [];
    let ahead = 0;
    for (let i = 0; i < 300; i++) {
      const starved = i % 150 >= 50 && i % 150 < 70;
      ahead = starved ? ahead + more : 0.25;
      const { skip } = controller.step({ now: i * 100, ahead, starved });
      if (skip > 0) skipped.push({ at: i / 10, skip });
      ahead -= skip;
    }
    return skipped;
  }

  it("is moved on, once each time, to where the reserve is left", () => {
    const [first, second, ...others] = skips(0.1);
    expect(others).toEqual([]);
    expect([first?.at, second?.at]).toEqual([5.4, 20.4]);
    expect(first?.skip).toBeCloseTo(0.75 - (1.5 * 0.22 + 0.05));
  });

  it("is moved on, if only to where it stands, when more is kept in reserve than is at hand", () => {
    const [, second] = skips(0.06);
    expect(second?.skip).toBeLessThan(0.01);
  });

  it("is left alone while there is not enough to go on with", () => {
    expect(skips(0.01)).toEqual([]);
  });
});
