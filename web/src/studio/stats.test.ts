import { expect, it } from "vitest";
import { between, read } from "./stats";

const report = [
  {
    type: "outbound-rtp",
    kind: "video",
    bytesSent: 250_000,
    packetsSent: 200,
    framesEncoded: 60,
    frameWidth: 1280,
    frameHeight: 720,
    qualityLimitationReason: "cpu",
  },
  { type: "outbound-rtp", kind: "audio", bytesSent: 8_000, packetsSent: 100 },
  { type: "remote-inbound-rtp", kind: "video", packetsLost: 3 },
  { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.034 },
  { type: "candidate-pair", nominated: false, currentRoundTripTime: 9 },
  { type: "codec" },
];

it("adds up what is sent and lost", () => {
  expect(read(report, 1000)).toEqual({
    at: 1000,
    bytesSent: 258_000,
    packetsSent: 300,
    packetsLost: 3,
    framesEncoded: 60,
    width: 1280,
    height: 720,
    roundTrip: 0.034,
    limit: "cpu",
  });
});

it("reads a report without anything in it", () => {
  expect(read([], 0)).toMatchObject({ bytesSent: 0, roundTrip: undefined, limit: "none" });
});

it("measures between two readings", () => {
  const before = { ...read(report, 1000), bytesSent: 8_000, packetsSent: 100, packetsLost: 1, framesEncoded: 30 };
  expect(between(before, read(report, 3000))).toEqual({
    bitrate: 1_000_000,
    fps: 15,
    width: 1280,
    height: 720,
    roundTrip: 0.034,
    loss: 0.01,
    limit: "cpu",
  });
});

it("takes counters that went back for a new connection", () => {
  const sample = between(
    { ...read(report, 0), packetsLost: 9, bytesSent: 1e9, framesEncoded: 1e6 },
    read(report, 1000),
  );
  expect(sample).toMatchObject({ bitrate: 0, fps: 0, loss: 0 });
});
