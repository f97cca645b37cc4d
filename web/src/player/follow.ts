import type { Engine } from "./engine";
import type { LatencyController } from "./latency";

/** This close to the live edge, in seconds, a viewer is live. */
const liveToleranceS = 4;

/** Whoever follows the live edge and has been further behind than this, for this long, is taken to it. */
const lost = { behindS: 5, forMs: 3000 };

/** The same, once, of a player that has just begun: what it loaded first is old by the time it can show it. */
const late = { behindS: 1, forMs: 200 };
const beginningMs = 3000;

/** A jump to the live edge that is needed this soon (ms) after the last brought nothing: the next one waits longer. */
const soonMs = 60_000;

/** Keeps a viewer who wants what is on now near the live edge; one who went back in the window stays there. */
export class Follower {
  private following = true;
  private rested = false;
  private fellBehind: number | undefined;
  /** Until when playback counts as just begun; undefined before the first frame. */
  private beginsUntil: number | undefined;
  private jumpedAt = -Infinity;
  private jumpAfterMs = lost.forMs;

  /** Without a controller the browser sets its own pace. */
  constructor(
    private readonly video: HTMLVideoElement,
    private readonly engine: Engine,
    private readonly pace: LatencyController | undefined,
    /** Whether the rate may be other than 1. */
    private paced = true,
  ) {}

  get atLiveEdge(): boolean {
    return !this.video.paused && this.nearLiveEdge;
  }

  /** Takes the viewer to the live edge, to stay there. */
  goLive(): void {
    this.following = true;
    this.pace?.restart();
    this.video.currentTime = this.engine.liveEdge();
  }

  /** Leaves the rate alone from now on: this browser changes more than that by it. */
  leaveRate(): void {
    this.paced = false;
    this.setRate(1);
  }

  /** Sound is switched on, which may take the browser longer than is kept in reserve. */
  soundOn(now: number): void {
    this.pace?.soundOn(now);
  }

  /** Takes the viewer to a place of their own. */
  goTo(position: number): void {
    this.following = false;
    this.video.currentTime = position;
  }

  /** Looks after playback, many times a second. `began` says whether a frame was ever shown, `now` is in ms. */
  step(now: number, began: boolean): void {
    if (began) this.beginsUntil ??= now + beginningMs;
    // Whoever goes on after a short pause is live; after a long one they have a place of their own.
    if (this.video.paused) this.rested = began;
    else if (this.rested) {
      this.rested = false;
      this.following = this.nearLiveEdge;
    }
    if (!this.following || this.video.paused || !this.engine.isLive()) {
      this.pace?.restart();
      this.fellBehind = undefined;
      this.setRate(1);
      return;
    }
    this.keepPace(now);
    this.catchUp(now);
  }

  private get nearLiveEdge(): boolean {
    return this.engine.liveEdge() - this.video.currentTime < liveToleranceS;
  }

  private keepPace(now: number): void {
    const { video } = this;
    if (!this.pace || video.seeking || video.readyState < HTMLMediaElement.HAVE_METADATA) return;
    const starved = video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
    const { rate, skip, strained } = this.pace.step({ now, ahead: ahead(video), starved });
    if (strained) this.engine.strained?.();
    if (skip > 0) video.currentTime += skip;
    if (!starved && this.paced) this.setRate(rate);
  }

  /** After a hidden tab or a long stall nothing is buffered that leads to the live edge: only a jump does. */
  private catchUp(now: number): void {
    const begins = this.beginsUntil !== undefined && now < this.beginsUntil;
    const { behindS } = begins ? late : lost;
    const forMs = begins ? late.forMs : this.jumpAfterMs;
    const behind = this.engine.liveEdge() - this.video.currentTime;
    if (behind < behindS + (this.pace?.target ?? 0)) this.fellBehind = undefined;
    else if (this.fellBehind === undefined) this.fellBehind = now;
    else if (now - this.fellBehind > forMs) {
      this.fellBehind = undefined;
      this.beginsUntil = now;
      this.jumpAfterMs = now - this.jumpedAt < soonMs ? Math.min(soonMs, 2 * this.jumpAfterMs) : lost.forMs;
      this.jumpedAt = now;
      this.goLive();
    }
  }

  /** Sets the default as well: Shaka goes back to it whenever a faster playhead reaches the newest second. */
  private setRate(rate: number): void {
    const { video } = this;
    if (video.defaultPlaybackRate === rate && video.playbackRate === rate) return;
    if (video.defaultPlaybackRate !== rate) video.defaultPlaybackRate = rate;
    if (video.playbackRate !== rate) video.playbackRate = rate;
  }
}

/** Seconds that are buffered from the playhead on without a hole. */
function ahead(video: HTMLVideoElement): number {
  const { buffered, currentTime } = video;
  for (let i = 0; i < buffered.length; i++) {
    if (buffered.start(i) <= currentTime + 0.1 && currentTime < buffered.end(i)) return buffered.end(i) - currentTime;
  }
  return 0;
}
