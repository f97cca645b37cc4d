import { describe, expect, it } from "vitest";
import { judge, warmUpMs, type Level, type Wanted } from "./health";
import type { Sample } from "./stats";

const wanted: Wanted = { height: 720, fps: 30, screen: false };

function sample(change: Partial<Sample> = {}): Sample {
  return { bitrate: 2_400_000, fps: 30, width: 1280, height: 720, roundTrip: 0.03, loss: 0, limit: "none", ...change };
}

const steady = (change: Partial<Sample> = {}) => Array.from({ length: 5 }, () => sample(change));

describe("a warm broadcast", () => {
  it.each<[string, Partial<Sample>, Level, string]>([
    ["is good", {}, "good", "Everything arrives."],
    ["nothing sent", { bitrate: 0, fps: 0 }, "poor", "Nothing reaches the server. Check your connection."],
    [
      "small for bandwidth",
      { height: 480, width: 854, limit: "bandwidth" },
      "fair",
      "Your upload is too slow for 720p: sending 480p.",
    ],
    [
      "tiny for bandwidth",
      { height: 180, width: 320, limit: "bandwidth" },
      "poor",
      "Your upload is too slow for 720p: sending 180p.",
    ],
    [
      "small for a busy computer",
      { height: 480, width: 854, limit: "cpu" },
      "fair",
      "This computer is too busy for 720p: sending 480p. Close other programs.",
    ],
    ["a phone held upright is not small", { width: 720, height: 1280 }, "good", "Everything arrives."],
    ["rounded sizes are not small", { height: 714, limit: "bandwidth" }, "good", "Everything arrives."],
    [
      "few frames from a dark room",
      { fps: 15 },
      "fair",
      "The camera gives 15 of 30 frames a second. More light often helps.",
    ],
    [
      "few frames for bandwidth",
      { fps: 8, limit: "bandwidth" },
      "poor",
      "Your upload is too slow: sending 8 of 30 frames a second.",
    ],
    [
      "some loss",
      { loss: 0.03 },
      "fair",
      "Your connection loses 3.0 % of the packets; viewers may see the picture break.",
    ],
    [
      "much loss",
      { loss: 0.12 },
      "poor",
      "Your connection loses 12 % of the packets; viewers may see the picture break.",
    ],
    [
      "slow answers",
      { roundTrip: 0.35 },
      "fair",
      "Your connection is slow to answer (350 ms); mending losses takes longer.",
    ],
    ["no report yet", { roundTrip: undefined }, "good", "Everything arrives."],
  ])("%s", (_name, change, level, reason) => {
    expect(judge(steady(change), wanted, warmUpMs)).toEqual({ level, reason });
  });

  it("names the worst of several", () => {
    const { reason } = judge(steady({ loss: 0.03, fps: 5 }), wanted, warmUpMs);
    expect(reason).toContain("5 of 30 frames");
  });

  it("forgives one bad second", () => {
    expect(judge([...steady(), sample({ loss: 0.06, fps: 20 })], wanted, warmUpMs).level).toBe("good");
  });

  it("asks no motion of a shared screen, and no picture of sound alone", () => {
    expect(judge(steady({ fps: 2 }), { ...wanted, screen: true }, warmUpMs).level).toBe("good");
    expect(
      judge(steady({ fps: 0, height: 0, width: 0, bitrate: 40_000 }), { ...wanted, height: 0 }, warmUpMs).level,
    ).toBe("good");
  });
});

it("gives a new connection time to grow", () => {
  expect(judge(steady({ height: 270, width: 480, limit: "bandwidth", fps: 9 }), wanted, 3000)).toEqual({
    level: "good",
    reason: "Warming up: the picture gets sharper by itself.",
  });
});

it("does not hide loss while warming up", () => {
  expect(judge(steady({ loss: 0.2 }), wanted, 3000).level).toBe("poor");
});

it("measures first", () => expect(judge([], wanted, 0).level).toBe("fair"));
