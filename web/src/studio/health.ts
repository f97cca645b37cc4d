import { percent } from "../format/rate";
import type { Sample } from "./stats";

export type Level = "good" | "fair" | "poor";

/** How well the broadcast goes, and why. */
export interface Health {
  level: Level;
  /** A sentence for the broadcaster: what is wrong and what comes of it. */
  reason: string;
}

/** What the broadcaster asked for. */
export interface Wanted {
  /** Lines of the picture: the lesser of the stream's quality and what the camera gives. 0 without a picture. */
  height: number;
  fps: number;
  /** A shared screen stands still most of the time; few frames are no fault then. */
  screen: boolean;
}

/** The encoder starts small and grows; for this long a small picture is no fault. */
export const warmUpMs = 12_000;

/** How many of the latest samples are judged together, one a second. */
export const judged = 4;

const good: Health = { level: "good", reason: "Everything arrives." };

/**
 * Judges the latest samples, newest last, of a broadcast that has been
 * connected for some time. The worst finding wins; of equals, the first.
 */
export function judge(samples: Sample[], wanted: Wanted, connectedMs: number): Health {
  const recent = samples.slice(-judged);
  const newest = recent.at(-1);
  if (!newest) return { level: "fair", reason: "Measuring." };
  const mean = (pick: (s: Sample) => number) => recent.reduce((sum, s) => sum + pick(s), 0) / recent.length;
  const warm = connectedMs >= warmUpMs;
  const findings = [
    flow(
      mean((s) => s.bitrate),
      warm,
    ),
    loss(mean((s) => s.loss)),
    warm ? size(newest, wanted) : undefined,
    warm
      ? motion(
          mean((s) => s.fps),
          wanted,
          newest.limit,
        )
      : undefined,
    delay(newest.roundTrip),
  ].filter((finding) => finding !== undefined);
  return findings.find((f) => f.level === "poor") ?? findings[0] ?? (warm ? good : warming);
}

const warming: Health = { level: "good", reason: "Warming up: the picture gets sharper by itself." };

function flow(bitrate: number, warm: boolean): Health | undefined {
  if (bitrate >= 2000 || !warm) return undefined;
  return { level: "poor", reason: "Nothing reaches the server. Check your connection." };
}

function loss(share: number): Health | undefined {
  if (share < 0.02) return undefined;
  const reason = `Your connection loses ${percent(share)} of the packets; viewers may see the picture break.`;
  return { level: share >= 0.08 ? "poor" : "fair", reason };
}

/** Sizes differ by rounding and by padding; only a clear step down counts. */
function size(sample: Sample, wanted: Wanted): Health | undefined {
  const sent = Math.min(sample.width, sample.height);
  if (wanted.height === 0 || sent === 0 || sent >= wanted.height * 0.9) return undefined;
  const level = sent < wanted.height * 0.4 ? "poor" : "fair";
  const step = `for ${wanted.height}p: sending ${sent}p.`;
  if (sample.limit === "cpu") return { level, reason: `This computer is too busy ${step} Close other programs.` };
  if (sample.limit === "bandwidth") return { level, reason: `Your upload is too slow ${step}` };
  return undefined;
}

function motion(fps: number, wanted: Wanted, limit: string): Health | undefined {
  if (wanted.height === 0 || wanted.screen || fps >= wanted.fps * 0.7) return undefined;
  const level = fps < wanted.fps * 0.35 ? "poor" : "fair";
  const figure = `${Math.round(fps)} of ${wanted.fps} frames a second`;
  if (limit === "cpu") return { level, reason: `This computer is too busy: sending ${figure}. Close other programs.` };
  if (limit === "bandwidth") return { level, reason: `Your upload is too slow: sending ${figure}.` };
  return { level, reason: `The camera gives ${figure}. More light often helps.` };
}

function delay(seconds: number | undefined): Health | undefined {
  if (seconds === undefined || seconds < 0.3) return undefined;
  const reason = `Your connection is slow to answer (${Math.round(seconds * 1000)} ms); mending losses takes longer.`;
  return { level: seconds >= 0.8 ? "poor" : "fair", reason };
}
