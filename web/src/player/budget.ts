import { backoff } from "../api/backoff";

/** How many tries follow soon upon each other, before they become few. */
const tries = 8;

/** Playback that held this long was good: what follows is another trouble. */
const goodMs = 15_000;

/** How long the few are apart, in ms: at least, and by chance so much more, so that viewers do not all come at once. */
const slowMs = { least: 20_000, spread: 20_000 };

/** Spaces the tries after failures. They never end: a network that was away for long comes back, too. */
export class RetryBudget {
  private used = 0;

  constructor(private readonly random: () => number = Math.random) {}

  /** Whether playback that held for some time was good. */
  good(heldMs: number): boolean {
    return heldMs >= goodMs;
  }

  /** Whether the tries that follow soon are used up. */
  get spent(): boolean {
    return this.used > tries;
  }

  /** How long to wait before the next try, in ms, after playback that held for some time. */
  next(heldMs: number): number {
    if (this.good(heldMs)) this.used = 0;
    const attempt = this.used++;
    return attempt < tries ? backoff(attempt, 500, 8000) : slowMs.least + this.random() * slowMs.spread;
  }

  /** Something has changed: tries follow soon upon each other again. */
  renew(): void {
    this.used = 0;
  }
}
