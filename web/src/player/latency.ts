/** What a viewer would rather have: the present moment, or no stalls on a poor line. */
export type LatencyWish = "lowest" | "smooth";

/** How far from the live edge playback begins where smoothness is asked for, in seconds. */
export const smoothStartS = 2;

/** The media element at one moment. */
export interface Reading {
  /** Milliseconds of a clock that only runs forward. */
  now: number;
  /** Seconds that are buffered ahead of the playhead. */
  ahead: number;
  /** The playhead stands still for want of media. */
  starved: boolean;
}

/** What to do to the media element. */
export interface Step {
  rate: number;
  /** Seconds to leave out, where playing faster would take too long. */
  skip: number;
  /** Media came later than the reserve allows for. */
  strained: boolean;
}

/** Least and most that is kept in reserve, in seconds. */
const reserves = { lowest: { least: 0.2, first: 0.22 }, smooth: { least: 1.8, first: 1.8 } };
const mostReserve = 2.5;

/** What is kept in reserve when sound is switched on, in seconds, until a while has shown that less will do. */
const soundReserve = 0.6;

/** Chunks come many times a second; within this long, the buffer has been at its lowest. */
const troughMs = 1000;

/** By how much the reserve shrinks in a second, once nothing has gone wrong for a while. */
const shrinkPerS = 0.01;

/**
 * How long that while is (ms). A smaller reserve tries the line, and whose line has trouble
 * every minute would see each try fail: a stall soon after another doubles it.
 */
const patience = { leastMs: 10_000, mostMs: 160_000 };

/** A stall this soon after another (ms) is of the same kind of trouble: longer than a try takes with most patience. */
const soonMs = 600_000;

/**
 * A reserve of which less than this is left was too small, though nothing stalled
 * yet; one of which twice as much is always left may shrink. A browser that ran
 * dry wants more than half a second before it goes on, so a stall costs far more
 * than the reserve that prevents it.
 */
const nearlyEmpty = 0.05;

const slowest = 0.92;
const fastest = 1.25;

/** Deviations this small are nobody's concern: a rate that wavers is heard. */
const deadZone = 0.02;

/** Playing faster makes up for this much; more is skipped, and at the start less than that. */
const skipAbove = 1.2;
const skipAtStart = 0.3;
const startMs = 3000;

/**
 * Chromium seems to want more before it goes on each time that its sound ran dry: it
 * stood still for 2.7 s with all media there. A seek seems to make it forget. So who
 * stands still for this long (ms) with this much more than the least reserve at hand (s)
 * is moved on, once, if only to where they stand.
 */
const stuckMs = 300;
const stuckAbove = 0.3;
const leastSkip = 0.001;

/**
 * Playback goes on this soon (ms) after a skip that helps. WebKitGTK takes a second for a seek, by which the distance
 * grows again: there a skip is the cause of the next one. After such a one none is made for some time (ms), twice as
 * long each time, and the distance is made up for by the rate, or stays.
 */
const helpsWithinMs = 700;
const noSkipMs = { least: 30_000, most: 600_000 };

/**
 * Keeps playback as near to the live edge as the network allows.
 *
 * What counts is the least that was buffered within the last second: just before
 * a chunk came. It is held at a reserve by playing a little faster or slower, so
 * chunks that come unevenly lower the trough, and make the distance grow, by
 * themselves. The reserve is for what one second does not show: it grows when
 * the buffer runs dry or nearly does, and shrinks while it does not.
 */
export class LatencyController {
  private readonly least: number;
  private reserve: number;
  private readings: { now: number; ahead: number }[] = [];
  private began: number | undefined;
  /** When the buffer last held less than it should at its lowest. */
  private tight = 0;
  private adjusted = 0;
  private patienceMs = patience.leastMs;
  private stalledAt: number | undefined;
  /** Since when the playhead stands still; undefined while it does not. */
  private starvedSince: number | undefined;
  private movedOn = false;
  /** When something was left out, until playback has gone on; undefined without. */
  private skippedAt: number | undefined;
  private noSkipUntil = -Infinity;
  private noSkipMs = noSkipMs.least;

  constructor(wish: LatencyWish) {
    this.least = reserves[wish].least;
    this.reserve = reserves[wish].first;
  }

  /** Seconds that are kept in reserve at present. */
  get target(): number {
    return this.reserve;
  }

  /** Forgets what was buffered, after a seek or a pause; what it learned of the network stays. */
  restart(): void {
    this.readings = [];
    this.began = undefined;
    this.starvedSince = undefined;
    this.skippedAt = undefined;
  }

  /** Sound is switched on: the audio device opens, which takes longer than the network needs in reserve. */
  soundOn(now: number): void {
    this.reserve = Math.max(this.reserve, Math.min(mostReserve, soundReserve));
    this.tight = now;
  }

  step({ now, ahead, starved }: Reading): Step {
    if (!starved) {
      this.began ??= now;
      this.judgeSkip(now);
    }
    this.readings.push({ now, ahead });
    this.readings = this.readings.filter((r) => now - r.now < troughMs);
    const trough = Math.min(...this.readings.map((r) => r.ahead));
    const strained = this.adjust(now, trough, starved);
    if (this.stuck(now, ahead)) {
      this.movedOn = true;
      this.readings = [];
      this.skippedAt = now;
      return { rate: 1, skip: Math.max(leastSkip, ahead - this.reserve), strained };
    }
    if (starved || this.readings.length <= 2) return { rate: 1, skip: 0, strained };

    const excess = trough - this.reserve;
    const young = now - (this.began ?? now) < startMs;
    if (excess > (young ? skipAtStart : skipAbove) && now >= this.noSkipUntil) {
      this.readings = [];
      this.skippedAt = now;
      return { rate: 1, skip: excess, strained };
    }
    return { rate: rateFor(excess), skip: 0, strained };
  }

  /** Lets the reserve grow after trouble, once for each, and shrink without; says whether there was some. */
  private adjust(now: number, trough: number, starved: boolean): boolean {
    const begins = starved && this.starvedSince === undefined;
    if (begins) {
      this.starvedSince = now;
      this.movedOn = false;
    } else if (!starved) this.starvedSince = undefined;
    // What the player waited for at its start says nothing of the network.
    if (begins && now - (this.began ?? now) > startMs) {
      this.remember(now);
      return this.grow(now, this.reserve * 0.5 + 0.05);
    }
    if (starved) return false;
    if (trough < 2 * nearlyEmpty) this.tight = now;
    if (trough < nearlyEmpty && this.full(now) && now - this.adjusted > troughMs) return this.grow(now, 0.05);
    if (now - this.tight > this.patienceMs && now - this.adjusted > 1000) {
      this.reserve = Math.max(this.least, this.reserve - shrinkPerS);
      this.adjusted = now;
    }
    return false;
  }

  private stuck(now: number, ahead: number): boolean {
    if (this.began === undefined || this.starvedSince === undefined || this.movedOn) return false;
    if (now < this.noSkipUntil) return false;
    return now - this.starvedSince > stuckMs && ahead - this.least > stuckAbove;
  }

  /** Playback goes on: looks whether the last skip, if there was one, cost more than it brought. */
  private judgeSkip(now: number): void {
    if (this.skippedAt === undefined) return;
    const took = now - this.skippedAt;
    this.skippedAt = undefined;
    if (took <= helpsWithinMs) return;
    this.noSkipUntil = now + this.noSkipMs;
    this.noSkipMs = Math.min(noSkipMs.most, 2 * this.noSkipMs);
    this.grow(now, this.reserve * 0.5 + 0.05); // for the viewer it was a stall
  }

  /** Takes note of a stall. */
  private remember(now: number): void {
    const soon = this.stalledAt !== undefined && now - this.stalledAt < soonMs;
    this.patienceMs = soon ? Math.min(patience.mostMs, 2 * this.patienceMs) : patience.leastMs;
    this.stalledAt = now;
  }

  private grow(now: number, by: number): true {
    this.reserve = Math.min(mostReserve, this.reserve + by);
    this.tight = now;
    this.adjusted = now;
    return true;
  }

  /** Whether a whole second was seen: the trough means something. */
  private full(now: number): boolean {
    const first = this.readings[0];
    return !!first && now - first.now > troughMs * 0.8;
  }
}

/** Half of the deviation is made up for in a second, within what is not heard. */
function rateFor(excess: number): number {
  if (Math.abs(excess) <= deadZone) return 1;
  const rate = 1 + Math.min(fastest - 1, Math.max(slowest - 1, excess * 0.5));
  return Math.round(rate * 100) / 100;
}
