import { pause, pauseBeforeRetry } from "../api/backoff";
import { anySignal } from "../api/signals";
import { RetryBudget } from "./budget";
import { make, offered, plan, type EngineName, type Sources, type Wish } from "./choose";
import type { ServerClock } from "./clock";
import { PlaybackError, type Engine, type Protocol, type Rendition } from "./engine";
import { Follower } from "./follow";
import { LatencyController } from "./latency";
import { SoundPolicy } from "./sound";
import { discard, Standby } from "./standby";

/** Blocked: the browser plays nothing before the viewer asks for it. Failed: it is said, while tries go on. */
export type PlayerState = "idle" | "loading" | "blocked" | "playing" | "retrying" | "failed" | "ended";

export interface PlayerEvents {
  /** The code tells support why, after a failure. */
  onState(state: PlayerState, code?: string): void;
  onRenditions(): void;
}

/** A manifest has to be there within this time, and frames may stand still for this long, before playback counts as broken. */
const loadMs = 15_000;
const stallMs = 10_000;
const watchEveryMs = 100;
/**
 * A picture that stands still for this long (ms), this near to the end (s), is the last. Sound may go on after it:
 * hls.js holds that back, and never says that the stream has ended.
 */
const lastMs = 2000;
const lastS = 3;

/**
 * A browser that plays HLS without our help does not say what keeps it. It has this long (ms) for its first frame
 * where there is another engine to try.
 */
const nativeMs = 9000;

/** An end that nothing else confirms is taken for broken playback after this long (ms). */
const falseEndMs = 3000;
const falseEnd = "false-end";

/** Without a frame for this long (ms), by any engine, it is said that none comes. */
const sayMs = 8000;

/**
 * Plays one live stream on a media element: chooses an engine, follows the live
 * edge, and starts again after failures for as long as it is asked to.
 */
export class Player {
  private video: HTMLVideoElement | undefined;
  private readonly standby: Standby;
  private engine: Engine | undefined;
  private follower: Follower | undefined;
  private running = new AbortController();
  private last: Promise<void> = Promise.resolve();
  /** Counts loads and unloads: of several that wait for the one before to stop, the newest goes on. */
  private turn = 0;
  private chosen: number | undefined;
  /** The viewer paused: a new try must not play by itself. */
  private resting = false;
  /** What was told last. */
  private shown: PlayerState = "idle";
  private sound = new SoundPolicy(true);
  /** Whether the rate may be changed: one browser does more by it than it should. */
  private paced = true;
  private detached = new AbortController();
  /** Nothing comes any more. */
  private over = false;

  constructor(
    private readonly clock: ServerClock,
    private readonly on: PlayerEvents,
    makeEngine: typeof make = make,
  ) {
    this.standby = new Standby(makeEngine, clock, () => on.onRenditions());
  }

  /** Takes a media element, and makes the engine that it will most likely be played with. */
  attach(video: HTMLVideoElement, wish: Wish): void {
    this.video = video;
    this.hear(video);
    const [name] = plan({ dash: "later", hls: "later", ...wish }, offered());
    if (name) this.standby.prepare(name, video, wish.latency);
  }

  /** Plays these sources in place of whatever was played before. */
  async load(sources: Sources): Promise<void> {
    const turn = await this.stop();
    if (turn !== this.turn) return;
    const { signal } = (this.running = new AbortController());
    this.resting = this.over = false;
    this.shown = "idle";
    this.last = this.run(sources, signal);
    return this.last;
  }

  /**
   * Takes note that the stream is over: what there is plays out, and nothing is begun anew. What breaks then has
   * ended, for whoever is further back too: the page offers what is left.
   */
  finish(): void {
    this.over = true;
  }

  /** Stops, keeping the last frame out of sight. */
  async unload(): Promise<void> {
    await this.stop();
  }

  async destroy(): Promise<void> {
    this.detached.abort();
    await this.stop();
    await this.standby.destroy();
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

  /** What can be seeked to, up to the newest playable position, in seconds of the media element. */
  window(): { start: number; end: number } {
    const ranges = this.video?.seekable;
    const start = this.engine?.windowStart?.() ?? (ranges?.length ? ranges.start(0) : 0);
    return { start, end: Math.max(start, this.engine?.liveEdge() ?? 0) };
  }

  get atLiveEdge(): boolean {
    return !!this.follower?.atLiveEdge;
  }

  /** Age of the frame that is shown, in seconds, as far as the manifest's times tell; undefined while nothing is shown. */
  latency(): number | undefined {
    const frame = this.engine?.frameTime();
    const now = this.clock.now();
    if (!frame || now === undefined || !this.video || this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA)
      return undefined;
    return (now - frame.getTime()) / 1000;
  }

  /** Takes the viewer to the live edge, if there is one. */
  goLive(): void {
    if (!this.engine?.isLive()) return;
    this.follower?.goLive();
    void this.play();
  }

  /** Moves within the window; past its newest end means live. */
  seek(position: number): void {
    const { start, end } = this.window();
    if (position >= end - 1 && this.engine?.isLive()) this.goLive();
    else this.follower?.goTo(Math.min(end, Math.max(start, position)));
  }

  /** Pauses, as the viewer wishes. */
  pause(): void {
    this.resting = true;
    this.video?.pause();
  }

  /** Turns the sound off or on, as the viewer wishes. */
  mute(muted: boolean): void {
    if (!this.video) return;
    this.sound.set(muted);
    if (this.video.muted && !muted) this.follower?.soundOn(performance.now());
    this.video.muted = muted;
  }

  /** Plays on after a pause; what has left the window meanwhile is left out. */
  resume(): void {
    const gone = !!this.video && this.video.currentTime < this.window().start + 1;
    if (gone && this.engine?.isLive()) this.goLive();
    else void this.play();
  }

  /** Plays; a browser that allows no sound yet gets a muted picture. */
  async play(): Promise<void> {
    const { video } = this;
    if (!video) return;
    this.resting = false;
    try {
      await video.play();
    } catch (error) {
      if (!refused(error)) return;
      if (video.muted) return this.show("blocked");
      this.mute(true);
      return this.play();
    }
  }

  /** Gives the turn of whoever asked. */
  private async stop(): Promise<number> {
    const turn = ++this.turn;
    this.running.abort();
    await this.last;
    return turn;
  }

  /** Tells a state. What is said of a failure stays until something plays: tries go on beneath it. */
  private show(state: PlayerState, code?: string): void {
    if (this.shown === "failed" && (state === "loading" || state === "retrying")) return;
    this.shown = state;
    this.on.onState(state, code);
  }

  /** Undoes what a browser changes of the sound unasked, and of playback for its sake. */
  private hear(video: HTMLVideoElement): void {
    this.sound = new SoundPolicy(video.muted);
    const options = { signal: this.detached.signal };
    let rate = video.playbackRate;
    const check = () => {
      // The event comes after others. Libraries hold playback at a rate of 0 and go on at 1: that proves nothing of
      // what other rates do to the sound. A return to 1 adds nothing: the change that led away from it counted.
      const usual = video.playbackRate === 0 || video.playbackRate === 1;
      if (rate !== video.playbackRate) this.sound.rated(this.shown === "playing" && !usual, performance.now());
      rate = video.playbackRate;
      if (!this.sound.changed(video.muted, performance.now())) return;
      this.paced = false;
      this.follower?.leaveRate();
      video.muted = true;
    };
    for (const name of ["ratechange", "volumechange"]) video.addEventListener(name, check, options);
    const resume = () => {
      check();
      if (this.resting || video.ended || !this.engine || !this.sound.paused(performance.now())) return;
      video.muted = true;
      void this.play();
    };
    video.addEventListener("pause", resume, options);
  }

  private async run(sources: Sources, signal: AbortSignal): Promise<void> {
    const engines = plan(sources, offered());
    const budget = new RetryBudget();
    let seen = performance.now(); // when there was a frame last
    let misses = 0; // tries without one, since then
    for (let turn = 0; !signal.aborted;) {
      const name = engines[turn % engines.length];
      if (!name) return this.show("failed", "no-player");
      const outcome = await this.playOnce(name, sources, engines.length, signal);
      if (signal.aborted) return;
      if (outcome.ended) return this.show("ended");
      if (this.over) return this.show("ended", outcome.code);
      if (outcome.heldMs > 0) {
        seen = performance.now();
        misses = 0;
      } else misses++;
      // An engine that does not hold makes room for the next one.
      if (!budget.good(outcome.heldMs) || outcome.code === falseEnd) turn++;
      const wait = budget.next(outcome.heldMs);
      const said = budget.spent || (misses >= engines.length && performance.now() - seen > sayMs);
      this.show(said ? "failed" : "retrying", outcome.code);
      if (await pauseBeforeRetry(wait, signal)) budget.renew();
    }
  }

  /** Plays with one of some engines until that breaks, the stream is over, or the signal fires. */
  private async playOnce(name: EngineName, sources: Sources, of: number, signal: AbortSignal): Promise<Outcome> {
    const video = this.video as HTMLVideoElement;
    const outcome: Outcome = { heldMs: 0, ended: false, code: "stopped" };
    this.show("loading");
    const pending = await this.standby.take(name, video, sources.latency);
    const { signal: broken } = pending.broken;
    const impatient = name === "native" && of > 1;
    const firstBy = impatient ? performance.now() + nativeMs : Infinity;
    try {
      const engine = (this.engine = await pending.engine);
      const load = engine.load(name === "shaka" ? sources.dash : sources.hls, !!sources.ended);
      await within(impatient ? nativeMs : loadMs, load, signal);
      if (signal.aborted) return outcome;
      if (this.chosen !== undefined) engine.select(this.chosen);
      const latency = name === "native" ? undefined : new LatencyController(pending.latency);
      this.follower = new Follower(video, engine, latency, this.paced);
      if (!this.resting) void this.play();
      // What an element says of its end is not enough: some say so of a stream that goes on.
      const final = () => this.over || !!sources.ended || (name !== "native" && !engine.isLive());
      await this.watch(video, this.follower, { outcome, firstBy, final }, anySignal(signal, broken));
      if (broken.aborted) throw broken.reason;
    } catch (error) {
      outcome.code = error instanceof PlaybackError ? error.code : `${name}-code`;
    } finally {
      await discard(pending);
      this.engine = undefined;
      this.follower = undefined;
    }
    return outcome;
  }

  private nearEnd(video: HTMLVideoElement): boolean {
    const end = this.engine?.end();
    return end !== undefined && end - video.currentTime < lastS;
  }

  /** Follows the playhead until the signal fires; a playhead that stands still is broken playback. */
  private async watch(
    video: HTMLVideoElement,
    follower: Follower,
    { outcome, firstBy, final }: Watch,
    signal: AbortSignal,
  ): Promise<void> {
    let position = video.currentTime;
    let began: number | undefined;
    let moved = performance.now();
    while (!signal.aborted) {
      await pause(watchEveryMs, signal);
      const now = performance.now();
      if (!video.paused && video.currentTime !== position && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
        if (this.shown !== "playing") this.show("playing");
        began ??= now;
        outcome.heldMs = now - began;
        position = video.currentTime;
        moved = now;
      }
      // An element that has ended is paused, too, and is not what a viewer who paused wants.
      if (video.paused && !video.ended) moved = now;
      const last = video.ended || (now - moved > lastMs && began !== undefined && this.nearEnd(video));
      if (last && final()) {
        outcome.ended = true;
        return;
      }
      if (video.ended && now - moved > falseEndMs) throw new PlaybackError(falseEnd);
      if (began !== undefined && !signal.aborted && !video.ended) this.resting = video.paused;
      follower.step(now, began !== undefined);
      if (now - moved > stallMs) throw new PlaybackError("stalled");
      if (began === undefined && now > firstBy && !video.paused) throw new PlaybackError("silent");
    }
  }
}

interface Watch {
  outcome: Outcome;
  /** When the first frame must have come. */
  firstBy: number;
  /** Whether what is loaded has an end at all. */
  final: () => boolean;
}

/** Whether a browser plays nothing before the viewer has touched the page. */
function refused(error: unknown): boolean {
  return (error as DOMException).name === "NotAllowedError";
}

/** Waits for a promise, for some time or until the signal fires. What becomes of it later is nobody's concern. */
async function within(ms: number, promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const late = pause(ms, anySignal(signal, over.signal)).then(() => {
    if (!signal.aborted && !over.signal.aborted) throw new PlaybackError("load-timeout");
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    over.abort();
    promise.catch(() => undefined);
    late.catch(() => undefined);
  }
}

interface Outcome {
  /** How long frames came, in ms. */
  heldMs: number;
  ended: boolean;
  code: string;
}
