/** What a change of the rate does to the element shows within this long, in ms. */
const soonMs = 1000;

/**
 * Tells what viewers do to the sound from what a browser does to it: WebKitGTK
 * unmutes an element whose rate is set, and then pauses it, because it plays
 * nothing with sound before somebody has touched the page.
 */
export class SoundPolicy {
  private ratedAt = -Infinity;
  private unmutedAt = -Infinity;
  /** Since when the rate changes and the element stays muted; undefined before, and once it did not. */
  private harmlessSince: number | undefined;

  constructor(private muted: boolean) {}

  /** The rate has changed, while frames came or not. Times are in ms of a clock that only runs forward. */
  rated(playing: boolean, now: number): void {
    this.ratedAt = now;
    if (playing && this.muted) this.harmlessSince ??= now;
  }

  /** The page mutes or unmutes. */
  set(muted: boolean): void {
    this.muted = muted;
  }

  /** The element says whether it is muted. True when that is not to stay: it was muted, and is to be again. */
  changed(muted: boolean, now: number): boolean {
    if (muted === this.muted) return false;
    // A browser that changes the sound by the rate does so each time: in others viewers do, by controls that are not ours.
    const harmless = this.harmlessSince !== undefined && now - this.harmlessSince >= soonMs;
    if (!muted && !harmless && now - this.ratedAt < soonMs) {
      this.harmlessSince = undefined;
      this.unmutedAt = now;
      return true;
    }
    this.muted = muted; // by the browser's own controls
    return false;
  }

  /** The element pauses, and the page did not ask for it. True when the viewer did not, either. */
  paused(now: number): boolean {
    return now - this.unmutedAt < soonMs;
  }
}
