import type { Engine, EngineEvents, Protocol } from "./engine";
import type { LatencyWish } from "./latency";

export type EngineName = "shaka" | "hls" | "native";

/** Where a stream can be had; an address is "" when there is none. */
export interface Sources {
  dash: string;
  hls: string;
  /** What the viewer insists on. */
  protocol?: Protocol | undefined;
  /** The least latency unless the viewer would rather not be interrupted. */
  latency?: LatencyWish | undefined;
}

/** The engines to try, best first. DASH leads: Shaka gives the lower latency. */
export function plan(sources: Sources, mediaSource: boolean): EngineName[] {
  if (!mediaSource) return sources.hls ? ["native"] : [];
  const all: EngineName[] = [];
  if (sources.dash && sources.protocol !== "hls") all.push("shaka");
  if (sources.hls && sources.protocol !== "dash") all.push("hls");
  return all;
}

/** Whether scripts can feed the media element. iPhones of old cannot. */
export function mediaSourceOffered(): boolean {
  return "MediaSource" in globalThis || "ManagedMediaSource" in globalThis;
}

/** Loads the code of the engine that a stream will be played with, while there is nothing to play yet. */
export function preload(protocol: Protocol | undefined, mediaSource: boolean): void {
  const [first] = plan({ dash: "later", hls: "later", protocol }, mediaSource);
  // What fails here is tried again, and told, when it is needed.
  if (first === "shaka") import("./shaka").catch(() => undefined);
  if (first === "hls") import("./hls").catch(() => undefined);
}

/** Loads an engine's code and makes one. The libraries are large, so each comes only when it is needed. */
export async function make(
  name: EngineName,
  video: HTMLVideoElement,
  events: EngineEvents,
  latency: LatencyWish,
): Promise<Engine> {
  switch (name) {
    case "shaka":
      return new (await import("./shaka")).ShakaEngine(video, events, latency);
    case "hls":
      return new (await import("./hls")).HlsEngine(video, events, latency);
    case "native":
      return new (await import("./native")).NativeEngine(video, events);
  }
}
