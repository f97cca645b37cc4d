import { pause } from "../api/backoff";
import { RetryBudget } from "./budget";
import { make, mediaSourceOffered, plan, type EngineName, type Sources } from "./choose";
import type { ServerClock } from "./clock";
import { LatencyController } from "./latency";
import { PlaybackError, type Engine, type Protocol, type Rendition } from "./engine";

export type PlayerState = "idle" | "loading" | "playing" | "retrying" | "failed" | "ended";

export interface PlayerEvents {
  /** The code tells support why, after a failure. */
  onState(state: PlayerState, code?: string): void;
  onRenditions(): void;
}

/** Frames may stand still this long before playback counts as broken. */
const stallMs = 10_000;
const watchEveryMs = 100;

/** This close to the live edge, in seconds, a viewer is live. */
const liveToleranceS = 4;

/** Whoever follows the live edge and has been further behind than this, for this long, is taken to it. */
const lost = { behindS: 5, forMs: 3000 };

/** The same, once, of a player that has just begun: what it loaded first is old by the time it can show it. */
const late = { behindS: 1, forMs: 200 };
const beginningMs = 3000;

/**
 * Plays one live stream on a media element: chooses an engine, follows the live
 * edge, and starts again after failures until the budget of tries is used up.
 */
export class Player {
  private video: HTMLVideoElement | undefined;
  private engine: Engine | undefined;
  private running = new AbortController();
  private last: Promise<void> = Promise.resolve();
  private chosen: number | undefined;
  /** The viewer wants what is on now, rather than a place of their own in the window. */
  private following = true;
  private fellBehind: number | undefined;
  /** Until when playback counts as just begun; undefined before the first frame. */
  private beginsUntil: number | undefined;
  private pace: LatencyController | undefined;

  constructor(
    private readonly clock: ServerClock,
    private readonly on: PlayerEvents,
  ) {}

  attach(video: HTMLVideoElement): void {
    this.video = video;
  }

  /** Plays these sources in place of whatever was played before. */
  async load(sources: Sources): Promise<void> {
    await this.unload();
    const { signal } = (this.running = new AbortController());
    this.following = true;
    this.last = this.run(sources, signal);
    return this.last;
  }

  /** Stops, keeping the last frame out of sight. */
  async unload(): Promise<void> {
    this.running.abort();
    await this.last;
  }

  async destroy(): Promise<void> {
    await this.unload();
    this.video = undefined;
  }

  /** The protocol and library in use, for the details. */
  get using(): { protocol: Protocol; name: string } | undefined {
    return this.engine && { protocol: this.engine.protocol, name: this.engine.name };
  }

  renditions(): Rendition[] {
    const byHeight = new Map<number, Rendition>();
    for (const r of this.engine?.renditions() ?? []) {
      if (r.height > 0 && (r.active || !byHeight.has(r.height))) byHeight.set(r.height, r);
    }
    return [...byHeight.values()].sort((a, b) => b.height - a.height);
  }

  /** The height the viewer has chosen; undefined lets the player choose. */
  get selected(): number | undefined {
    return this.chosen;
  }

  select(height: number | undefined): void {
    this.chosen = height;
    this.engine?.select(height);
  }

  /** The newest playable position, in seconds of the media element. */
  liveEdge(): number {
    return this.engine?.liveEdge() ?? 0;
  }

  /** What can be seeked to, in seconds of the media element. */
  window(): { start: number; end: number } {
    const ranges = this.video?.seekable;
    const start = ranges?.length ? ranges.start(0) : 0;
    return { start, end: Math.max(start, this.liveEdge()) };
  }

  get atLiveEdge(): boolean {
    return !!this.video && !this.video.paused && this.liveEdge() - this.video.currentTime < liveToleranceS;
  }

  /** Glass to glass, in seconds, as far as the manifest's times tell; undefined while nothing is shown. */
  latency(): number | undefined {
    const frame = this.engine?.frameTime();
    if (!frame || !this.video || this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return undefined;
    return (this.clock.now() - frame.getTime()) / 1000;
  }

  goLive(): void {
    if (!this.video) return;
    this.following = true;
    this.pace?.restart();
    this.video.currentTime = this.liveEdge();
    void this.play();
  }

  /** Moves within the window; past its newest end means live. */
  seek(position: number): void {
    if (!this.video) return;
    const { start, end } = this.window();
    if (position >= end - 1 && this.engine?.isLive()) return this.goLive();
    this.following = false;
    this.video.currentTime = Math.min(end, Math.max(start, position));
  }

  /** Plays; a browser that allows no sound yet gets a muted picture. */
  async play(): Promise<void> {
    const { video } = this;
    try {
      await video?.play();
    } catch (error) {
      if (!video || video.muted || (error as DOMException).name !== "NotAllowedError") return;
      video.muted = true;
      await video.play().catch(() => undefined);
    }
  }

  private async run(sources: Sources, signal: AbortSignal): Promise<void> {
    const engines = plan(sources, mediaSourceOffered());
    const budget = new RetryBudget();
    for (let turn = 0; !signal.aborted;) {
      const name = engines[turn % engines.length];
      if (!name) return this.on.onState("failed", "no-player");
      const began = performance.now();
      const outcome = await this.playOnce(name, sources, signal);
      if (signal.aborted) return;
      if (outcome.ended) return this.on.onState("ended");
      // An engine that never showed a frame makes room for the next one.
      if (!outcome.played) turn++;
      const wait = budget.next(outcome.played ? performance.now() - began : 0);
      if (wait === undefined) return this.on.onState("failed", outcome.code);
      this.on.onState("retrying", outcome.code);
      await pause(wait, signal);
    }
  }

  /** Plays with one engine until that breaks, the stream is over, or the signal fires. */
  private async playOnce(name: EngineName, sources: Sources, signal: AbortSignal): Promise<Outcome> {
    const video = this.video as HTMLVideoElement;
    const outcome: Outcome = { played: false, ended: false, code: "stopped" };
    const broken = new AbortController();
    const end = (code: string) => {
      outcome.code = code;
      broken.abort();
    };
    this.on.onState("loading");
    try {
      const events = {
        onBroken: (error: PlaybackError) => end(error.code),
        onRenditions: () => this.on.onRenditions(),
      };
      const wish = sources.latency ?? "lowest";
      this.engine = await make(name, video, events, wish);
      await this.engine.load(name === "shaka" ? sources.dash : sources.hls);
      if (signal.aborted) return outcome;
      if (this.chosen !== undefined) this.engine.select(this.chosen);
      void this.play();
      this.pace = name === "native" ? undefined : new LatencyController(wish);
      this.beginsUntil = undefined;
      await this.watch(video, outcome, end, AbortSignal.any([signal, broken.signal]));
    } catch (error) {
      outcome.code = error instanceof PlaybackError ? error.code : `${name}-code`;
    } finally {
      await this.engine?.destroy().catch(() => undefined);
      this.engine = undefined;
      this.pace = undefined;
    }
    return outcome;
  }

  /** Follows the playhead until the signal fires; a playhead that stands still is broken playback. */
  private async watch(
    video: HTMLVideoElement,
    outcome: Outcome,
    end: (code: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    let position = video.currentTime;
    let moved = performance.now();
    while (!signal.aborted) {
      await pause(watchEveryMs, signal);
      if (video.ended) {
        outcome.ended = true;
        return;
      }
      const now = performance.now();
      if (video.currentTime !== position && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
        if (!outcome.played) this.on.onState("playing");
        outcome.played = true;
        this.beginsUntil ??= now + beginningMs;
        position = video.currentTime;
        moved = now;
      }
      if (video.paused && outcome.played) {
        moved = now;
        this.following = false;
      }
      this.keepUp(video, now);
      if (now - moved > stallMs) end("stalled");
    }
  }

  /** Stays near the live edge; somebody who went back in the window stays there. */
  private keepUp(video: HTMLVideoElement, now: number): void {
    if (!this.following || video.paused || !this.engine?.isLive()) {
      this.pace?.restart();
      this.fellBehind = undefined;
      setRate(video, 1);
      return;
    }
    this.keepPace(video, now);
    this.catchUp(video, now);
  }

  private keepPace(video: HTMLVideoElement, now: number): void {
    if (!this.pace || video.seeking || video.readyState < HTMLMediaElement.HAVE_METADATA) return;
    const starved = video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
    const { rate, skip, strained } = this.pace.step({ now, ahead: ahead(video), starved });
    if (strained) this.engine?.strained?.();
    if (skip > 0) video.currentTime += skip;
    if (!starved) setRate(video, rate);
  }

  /** After a hidden tab or a long stall nothing is buffered that leads to the live edge: only a jump does. */
  private catchUp(video: HTMLVideoElement, now: number): void {
    const begins = this.beginsUntil !== undefined && now < this.beginsUntil;
    const { behindS, forMs } = begins ? late : lost;
    const behind = this.liveEdge() - video.currentTime;
    if (behind < behindS + (this.pace?.target ?? 0)) this.fellBehind = undefined;
    else if (this.fellBehind === undefined) this.fellBehind = now;
    else if (now - this.fellBehind > forMs) {
      this.fellBehind = undefined;
      this.beginsUntil = now;
      this.pace?.restart();
      video.currentTime = this.liveEdge();
    }
  }
}

/** Sets the default as well: Shaka goes back to it whenever a faster playhead reaches the newest second. */
function setRate(video: HTMLVideoElement, rate: number): void {
  if (video.defaultPlaybackRate !== rate) video.defaultPlaybackRate = rate;
  if (video.playbackRate !== rate) video.playbackRate = rate;
}

/** Seconds that are buffered from the playhead on without a hole. */
function ahead(video: HTMLVideoElement): number {
  const { buffered, currentTime } = video;
  for (let i = 0; i < buffered.length; i++) {
    if (buffered.start(i) <= currentTime + 0.1 && currentTime < buffered.end(i)) return buffered.end(i) - currentTime;
  }
  return 0;
}

interface Outcome {
  played: boolean;
  ended: boolean;
  code: string;
}
