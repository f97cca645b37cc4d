/** Counters of one moment, as RTCPeerConnection.getStats gives them. */
export interface Counters {
  /** Milliseconds, of the statistics' own clock. */
  at: number;
  bytesSent: number;
  packetsSent: number;
  packetsLost: number;
  framesEncoded: number;
  width: number;
  height: number;
  /** Seconds; undefined until the first report. */
  roundTrip: number | undefined;
  /** What keeps the picture below its wanted size: none, bandwidth, cpu, other. */
  limit: string;
}

/** What goes over the wire, between two moments. */
export interface Sample {
  /** Bits a second, picture and sound. */
  bitrate: number;
  fps: number;
  width: number;
  height: number;
  roundTrip: number | undefined;
  /** The share of packets lost, 0 to 1. */
  loss: number;
  limit: string;
}

type Entry = Record<string, unknown>;

function num(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

/** Reads the counters out of a statistics report. */
export function read(report: Iterable<Entry>, at: number): Counters {
  const counters: Counters = {
    at,
    bytesSent: 0,
    packetsSent: 0,
    packetsLost: 0,
    framesEncoded: 0,
    width: 0,
    height: 0,
    roundTrip: undefined,
    limit: "none",
  };
  for (const entry of report) add(counters, entry);
  return counters;
}

function add(counters: Counters, entry: Entry): void {
  switch (entry.type) {
    case "outbound-rtp":
      counters.bytesSent += num(entry.bytesSent);
      counters.packetsSent += num(entry.packetsSent);
      if (entry.kind !== "video") return;
      counters.framesEncoded += num(entry.framesEncoded);
      counters.width = num(entry.frameWidth);
      counters.height = num(entry.frameHeight);
      counters.limit = String(entry.qualityLimitationReason ?? "none");
      return;
    case "remote-inbound-rtp":
      counters.packetsLost += num(entry.packetsLost);
      return;
    case "candidate-pair":
      if (entry.nominated && typeof entry.currentRoundTripTime === "number")
        counters.roundTrip = entry.currentRoundTripTime;
  }
}

/** What was sent between two readings. A counter that went back counts as nothing sent. */
export function between(before: Counters, after: Counters): Sample {
  const seconds = Math.max((after.at - before.at) / 1000, 0.001);
  const rose = (a: number, b: number) => Math.max(0, b - a);
  const sent = rose(before.packetsSent, after.packetsSent);
  const lost = rose(before.packetsLost, after.packetsLost);
  return {
    bitrate: (rose(before.bytesSent, after.bytesSent) * 8) / seconds,
    fps: rose(before.framesEncoded, after.framesEncoded) / seconds,
    width: after.width,
    height: after.height,
    roundTrip: after.roundTrip,
    loss: sent === 0 ? 0 : Math.min(1, lost / sent),
    limit: after.limit,
  };
}
