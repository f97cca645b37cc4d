/** After trouble, what was measured is believed for this long. */
const soberMs = 4000;

/** More than the current rendition is hoped for after this long without trouble, longer each time it was in vain. */
const patienceMs = { least: 8000, most: 120_000 };

/** A rendition asks for at most so many times what the one below it does. */
const hope = 2.5;

/** A hope that met trouble within this long was in vain. */
const vainMs = 15_000;

/**
 * What the speed of a download at the live edge says of the network.
 *
 * Chunks come when the encoder has made them, so a download is as fast as the
 * rendition's bitrate however fast the network is. It says something only while
 * media comes too late. Without trouble, after some patience, the network is
 * taken to carry the next better rendition, and the answer is whether it does.
 */
export class EdgeBandwidth {
  private patience = patienceMs.least;
  private calmSince: number;
  private soberUntil = 0;

  constructor(now: number) {
    this.calmSince = now;
  }

  /** Media came too late. `now` is in milliseconds of a clock that only runs forward. */
  strained(now: number): void {
    const hopedFor = now - this.calmSince - this.patience;
    if (hopedFor > 0 && hopedFor < vainMs) this.patience = Math.min(patienceMs.most, this.patience * 2);
    this.calmSince = now;
    this.soberUntil = now + soberMs;
  }

  /** By what to multiply the speed of a download that ends now; undefined when it says nothing. */
  factor(now: number): number | undefined {
    if (now < this.soberUntil) return 1;
    return now - this.calmSince > this.patience ? hope : undefined;
  }
}
