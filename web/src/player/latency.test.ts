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
  /**
   * When (s) and by how much (s) a playhead is moved on that stands still for two seconds at 5 s and at 20 s, or until
   * it is moved on where that helps, with so much more at hand in each tenth of a second.
   */
  function skips(more: number, helps = true) {
    const controller = new LatencyController("lowest");
    const skipped: { at: number; skip: number }[] = [];
    let ahead = 0;
    let helped = false;
    for (let i = 0; i < 300; i++) {
      if (i % 150 === 0) helped = false;
      const starved = i % 150 >= 50 && i % 150 < 70 && !helped;
      ahead = starved ? ahead + more : 0.25;
      const { skip } = controller.step({ now: i * 100, ahead, starved });
      if (skip > 0) {
        skipped.push({ at: i / 10, skip });
        helped = helps;
      }
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

  it("is not moved on again soon after that brought nothing", () => {
    expect(skips(0.1, false).map(({ at }) => at)).toEqual([5.4]);
  });
});

describe("a browser that takes a second for a seek", () => {
  /** Plays for some seconds over a steady line; what it takes for a seek grows the distance. */
  function play(seconds: number, seekS: number) {
    const controller = new LatencyController("lowest");
    let [position, skips, busyUntil] = [-2.5, 0, 0];
    for (let i = 0; i < seconds * 10; i++) {
      const now = i / 10;
      if (now < busyUntil) continue; // while it seeks it is not asked
      const { rate, skip } = controller.step({ now: now * 1000, ahead: now - position, starved: false });
      if (skip > 0) {
        skips++;
        position += skip;
        busyUntil = now + seekS;
      } else position = Math.min(now, position + rate / 10);
    }
    return { skips, behind: seconds - position };
  }

  it("is not made to seek again and again, and comes near all the same", () => {
    const { skips, behind } = play(20, 1.3);
    expect(skips).toBe(1);
    expect(behind).toBeLessThan(0.8);
  });

  it("is no reason to spare one that does so at once", () => {
    expect(play(20, 0.1).behind).toBeLessThan(0.35);
  });
});

it("keeps more when sound is switched on, until less has been enough for a while", () => {
  const controller = new LatencyController("lowest");
  const run = (from: number, to: number) => {
    for (let i = from * 10; i < to * 10; i++)
      controller.step({ now: i * 100, ahead: controller.target + 0.05, starved: false });
  };
  run(0, 5);
  controller.soundOn(5000);
  const reserve = controller.target;
  expect(reserve).toBeGreaterThan(0.5);
  run(5, 14);
  expect(controller.target).toBe(reserve);
  run(14, 90);
  expect(controller.target).toBeLessThan(0.25);
});
