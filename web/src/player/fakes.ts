import { afterEach, beforeEach, vi } from "vitest";
import { ServerClock } from "./clock";
import type { Engine, EngineEvents } from "./engine";
import { Player, type PlayerState } from "./player";

/** What the player uses of a media element, with a playhead that follows the clock. */
export class FakeVideo extends EventTarget {
  paused = true;
  muted = false;
  ended = false;
  seeking = false;
  playbackRate = 1;
  defaultPlaybackRate = 1;
  /** What play() is refused for: with sound, or whatever it is. */
  refuses: "nothing" | "sound" | "everything" = "nothing";
  /** The playhead stands still for want of media. */
  starved = false;
  private at = 0;
  private since = 0;

  get currentTime(): number {
    return this.at + (this.paused || this.starved ? 0 : (Date.now() - this.since) / 1000);
  }

  set currentTime(position: number) {
    this.at = position;
    this.since = Date.now();
  }

  get readyState(): number {
    return this.starved ? 1 : 4;
  }

  get seekable() {
    return { length: 1, start: () => 0, end: () => 1000 };
  }

  /** A chunk more than the reserve: nothing to make up for. */
  get buffered() {
    return { length: 1, start: () => 0, end: () => this.currentTime + 0.2 };
  }

  async play(): Promise<void> {
    if (this.refuses === "everything" || (this.refuses === "sound" && !this.muted))
      throw Object.assign(new Error(), { name: "NotAllowedError" });
    this.currentTime = this.at;
    this.paused = false;
  }

  pause(): void {
    this.at = this.currentTime;
    this.paused = true;
    this.dispatchEvent(new Event("pause"));
  }

  /** Sets the rate as WebKitGTK does: the element is unmuted by it, and then paused. */
  setRateWithSound(rate: number): void {
    this.playbackRate = rate;
    this.muted = false;
    this.dispatchEvent(new Event("volumechange"));
    this.dispatchEvent(new Event("ratechange"));
    this.pause();
  }

  starve(): void {
    this.at = this.currentTime;
    this.starved = true;
  }
}

export class FakeEngine implements Engine {
  readonly protocol = "dash";
  live = true;
  destroyed = false;

  constructor(
    readonly name: string,
    private readonly video: FakeVideo,
    readonly events: EngineEvents,
    private readonly loads: () => Promise<void>,
  ) {}

  async load(): Promise<void> {
    await this.loads();
    this.video.currentTime = this.liveEdge();
  }

  end = () => Date.now() / 1000 - 1_000_000 + 100;
  liveEdge = () => this.end();
  isLive = () => this.live;
  frameTime = () => new Date(Date.now() - 400);
  renditions = () => [];
  select(): void {}

  async destroy(): Promise<void> {
    this.destroyed = true;
    this.video.starved = false;
    this.video.pause();
  }
}

export const both = { dash: "manifest.mpd", hls: "master.m3u8" };

/** What each load of an engine comes to. */
export const network: { loads: () => Promise<void> } = { loads: async () => {} };

export let video: FakeVideo;
export let engines: FakeEngine[];
export let states: PlayerState[];
export let player: Player;

export const engine = () => engines.at(-1) as FakeEngine;
export const behind = () => engine().liveEdge() - video.currentTime;
export const seconds = (n: number) => vi.advanceTimersByTimeAsync(n * 1000);

/** Gives each test of a file a player on a media element. */
export function eachWithPlayer(): void {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000_000 });
    vi.stubGlobal("MediaSource", class {});
    vi.stubGlobal("HTMLMediaElement", { HAVE_METADATA: 1, HAVE_CURRENT_DATA: 2, HAVE_FUTURE_DATA: 3 });
    video = new FakeVideo();
    engines = [];
    states = [];
    network.loads = async () => {};
    const events = { onState: (state: PlayerState) => void states.push(state), onRenditions: () => {} };
    player = new Player(new ServerClock(), events, async (name, _video, of) => {
      engines.push(new FakeEngine(name, video, of, () => network.loads()));
      return engine();
    });
    player.attach(video as unknown as HTMLVideoElement, { protocol: undefined, latency: "lowest" });
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });
}
