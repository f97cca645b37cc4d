import { pause } from "../api/backoff";
import { RetryBudget } from "./budget";
import { make, offered, plan, type EngineName, type Sources, type Wish } from "./choose";
import type { ServerClock } from "./clock";
import { PlaybackError, type Engine, type Protocol, type Rendition } from "./engine";
import { Follower } from "./follow";
import { LatencyController, type LatencyWish } from "./latency";

/** Blocked: the browser plays nothing before the viewer asks for it. */
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
 * Plays one live stream on a media element: chooses an engine, follows the live
 * edge, and starts again after failures until the budget of tries is used up.
 */
export class Player {
  private video: HTMLVideoElement | undefined;
  /** The engine that was made ahead, until the first load takes it. */
  private standby: Making | undefined;
  private engine: Engine | undefined;
  private follower: Follower | undefined;
  private running = new AbortController();
  private last: Promise<void> = Promise.resolve();
  /** Counts loads and unloads: of several that wait for the one before to stop, the newest goes on. */
  private turn = 0;
  private chosen: number | undefined;
  /** The viewer paused: a new try must not play by itself. */
  private resting = false;
  /** Nothing comes any more. */
  private over = false;

  constructor(
    private readonly clock: ServerClock,
    private readonly on: PlayerEvents,
    private readonly makeEngine: typeof make = make,
  ) {}

  /** Takes a media element, and makes the engine that it will most likely be played with: it can wait for its stream. */
  attach(video: HTMLVideoElement, wish: Wish): void {
    this.video = video;
    const [name] = plan({ dash: "later", hls: "later", ...wish }, offered());
    if (!name) return;
    const making = (this.standby = this.begin(name, video, wish.latency));
    making.engine.catch(() => making.broken.abort());
  }

  /** Plays these sources in place of whatever was played before. */
  async load(sources: Sources): Promise<void> {
    const turn = await this.stop();
    if (turn !== this.turn) return;
    const { signal } = (this.running = new AbortController());
    this.resting = this.over = false;
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
    await this.stop();
    await discard(this.standby);
    this.video = this.standby = undefined;
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
    try {
      await video.play();
    } catch (error) {
      if (!refused(error)) return;
      if (video.muted) return this.on.onState("blocked");
      video.muted = true;
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

  private async run(sources: Sources, signal: AbortSignal): Promise<void> {
    const engines = plan(sources, offered());
    const budget = new RetryBudget();
    for (let turn = 0; !signal.aborted;) {
      const name = engines[turn % engines.length];
      if (!name) return this.on.onState("failed", "no-player");
      const outcome = await this.playOnce(name, sources, signal);
      if (signal.aborted) return;
      if (outcome.ended) return this.on.onState("ended");
      if (this.over) return this.on.onState("ended", outcome.code);
      // An engine that does not hold makes room for the next one.
      if (!budget.good(outcome.heldMs)) turn++;
      const wait = budget.next(outcome.heldMs);
      if (wait === undefined) return this.on.onState("failed", outcome.code);
      this.on.onState("retrying", outcome.code);
      await pause(wait, signal);
    }
  }

  /** Plays with one engine until that breaks, the stream is over, or the signal fires. */
  private async playOnce(name: EngineName, sources: Sources, signal: AbortSignal): Promise<Outcome> {
    const video = this.video as HTMLVideoElement;
    const outcome: Outcome = { heldMs: 0, ended: false, code: "stopped" };
    this.on.onState("loading");
    const making = await this.take(name, video, sources.latency);
    const { signal: broken } = making.broken;
    try {
      const engine = (this.engine = await making.engine);
      await within(loadMs, engine.load(name === "shaka" ? sources.dash : sources.hls), signal);
      if (signal.aborted) return outcome;
      if (this.chosen !== undefined) engine.select(this.chosen);
      const latency = name === "native" ? undefined : new LatencyController(making.latency);
      this.follower = new Follower(video, engine, latency);
      if (!this.resting) void this.play();
      await this.watch(video, this.follower, outcome, AbortSignal.any([signal, broken]));
      if (broken.aborted) throw broken.reason;
    } catch (error) {
      outcome.code = error instanceof PlaybackError ? error.code : `${name}-code`;
    } finally {
      await discard(making);
      this.engine = undefined;
      this.follower = undefined;
    }
    return outcome;
  }

  /** Begins to make an engine. */
  private begin(name: EngineName, video: HTMLVideoElement, latency: LatencyWish): Making {
    const broken = new AbortController();
    const events = {
      onBroken: (error: PlaybackError) => broken.abort(error),
      onRenditions: () => this.on.onRenditions(),
    };
    return { name, latency, engine: this.makeEngine(name, video, events, latency, this.clock), broken };
  }

  /** Takes the engine that stands by, if it is the one that is wanted and still good, or else begins to make one. */
  private async take(name: EngineName, video: HTMLVideoElement, latency: LatencyWish = "lowest"): Promise<Making> {
    const { standby } = this;
    this.standby = undefined;
    if (standby?.name === name && standby.latency === latency && !standby.broken.signal.aborted) return standby;
    await discard(standby);
    return this.begin(name, video, latency);
  }

  private nearEnd(video: HTMLVideoElement): boolean {
    const end = this.engine?.end();
    return (this.over || !this.engine?.isLive()) && end !== undefined && end - video.currentTime < lastS;
  }

  /** Follows the playhead until the signal fires; a playhead that stands still is broken playback. */
  private async watch(
    video: HTMLVideoElement,
    follower: Follower,
    outcome: Outcome,
    signal: AbortSignal,
  ): Promise<void> {
    let position = video.currentTime;
    let began: number | undefined;
    let moved = performance.now();
    while (!signal.aborted) {
      await pause(watchEveryMs, signal);
      const now = performance.now();
      if (!video.paused && video.currentTime !== position && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
        if (began === undefined) this.on.onState("playing");
        began ??= now;
        outcome.heldMs = now - began;
        position = video.currentTime;
        moved = now;
      }
      if (video.paused) moved = now;
      if (video.ended || (now - moved > lastMs && began !== undefined && this.nearEnd(video))) {
        outcome.ended = true;
        return;
      }
      if (began !== undefined && !signal.aborted) this.resting = video.paused;
      follower.step(now, began !== undefined);
      if (now - moved > stallMs) throw new PlaybackError("stalled");
    }
  }
}

/** Whether a browser plays nothing before the viewer has touched the page. */
function refused(error: unknown): boolean {
  return (error as DOMException).name === "NotAllowedError";
}

/** Waits for a promise, for some time or until the signal fires. What becomes of it later is nobody's concern. */
async function within(ms: number, promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const late = pause(ms, AbortSignal.any([signal, over.signal])).then(() => {
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

/** An engine that is being made, and what it breaks by. */
interface Making {
  name: EngineName;
  latency: LatencyWish;
  engine: Promise<Engine>;
  broken: AbortController;
}

async function discard(making: Making | undefined): Promise<void> {
  await making?.engine.then((engine) => engine.destroy()).catch(() => undefined);
}

interface Outcome {
  /** How long frames came, in ms. */
  heldMs: number;
  ended: boolean;
  code: string;
}
