import type { Engine, EngineEvents, Protocol } from "./engine";
import type { ServerClock } from "./clock";
import type { LatencyWish } from "./latency";

export type EngineName = "shaka" | "hls" | "native";

/** How the viewer wants to watch. */
export interface Wish {
  /** What the viewer insists on. */
  protocol: Protocol | undefined;
  /** The least latency unless the viewer would rather not be interrupted. */
  latency: LatencyWish;
}

/** Where a stream can be had; an address is "" when there is none. */
export interface Sources extends Partial<Wish> {
  dash: string;
  hls: string;
  /** The stream has ended: what is left of it has an end. */
  ended?: boolean;
}

/** What a browser brings. */
export interface Offered {
  /** Scripts can feed the media element. */
  mediaSource: boolean;
  /** It plays HLS by itself, and does that best. */
  native: boolean;
}

export function offered(): Offered {
  return {
    mediaSource: "MediaSource" in globalThis || "ManagedMediaSource" in globalThis,
    // Others play HLS, too, but as it was before it had low latency.
    native: !!globalThis.navigator?.vendor?.startsWith("Apple"),
  };
}

/** The engines to try, best first. DASH leads where scripts do the work: Shaka gives the lower latency. */
export function plan(sources: Sources, { mediaSource, native }: Offered): EngineName[] {
  const all: EngineName[] = [];
  if (native && sources.hls && sources.protocol !== "dash") all.push("native");
  if (mediaSource && sources.dash && sources.protocol !== "hls") all.push("shaka");
  if (mediaSource && sources.hls && sources.protocol !== "dash") all.push("hls");
  if (all.length === 0 && !mediaSource && sources.hls) all.push("native");
  return all;
}

/** Loads an engine's code and makes one. The libraries are large, so each comes only when it is needed. */
export async function make(
  name: EngineName,
  video: HTMLVideoElement,
  events: EngineEvents,
  latency: LatencyWish,
  clock: ServerClock,
): Promise<Engine> {
  switch (name) {
    case "shaka":
      return new (await import("./shaka")).ShakaEngine(video, events, latency, clock);
    case "hls":
      return new (await import("./hls")).HlsEngine(video, events, latency);
    case "native":
      return new (await import("./native")).NativeEngine(video, events);
  }
}
