import type { Engine } from "./engine";
import type { LatencyController } from "./latency";

/** This close to the live edge, in seconds, a viewer is live. */
const liveToleranceS = 4;

/** Whoever follows the live edge and has been further behind than this, for this long, is taken to it. */
const lost = { behindS: 5, forMs: 3000 };

/** The same, once, of a player that has just begun: what it loaded first is old by the time it can show it. */
const late = { behindS: 1, forMs: 200 };
const beginningMs = 3000;

/** Keeps a viewer who wants what is on now near the live edge; one who went back in the window stays there. */
export class Follower {
  private following = true;
  private rested = false;
  private fellBehind: number | undefined;
  /** Until when playback counts as just begun; undefined before the first frame. */
  private beginsUntil: number | undefined;

  /** Without a controller the browser sets its own pace. */
  constructor(
    private readonly video: HTMLVideoElement,
    private readonly engine: Engine,
    private readonly pace: LatencyController | undefined,
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
      setRate(this.video, 1);
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
    if (!starved) setRate(video, rate);
  }

  /** After a hidden tab or a long stall nothing is buffered that leads to the live edge: only a jump does. */
  private catchUp(now: number): void {
    const begins = this.beginsUntil !== undefined && now < this.beginsUntil;
    const { behindS, forMs } = begins ? late : lost;
    const behind = this.engine.liveEdge() - this.video.currentTime;
    if (behind < behindS + (this.pace?.target ?? 0)) this.fellBehind = undefined;
    else if (this.fellBehind === undefined) this.fellBehind = now;
    else if (now - this.fellBehind > forMs) {
      this.fellBehind = undefined;
      this.beginsUntil = now;
      this.goLive();
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
