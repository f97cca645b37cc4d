import { backoff } from "../api/backoff";

/** How often playback is tried again before a person is asked. */
const tries = 8;

/** Playback that held this long was good: what follows is another trouble. */
const goodMs = 15_000;

/** Bounds the tries after failures, so that nothing spins for ever. */
export class RetryBudget {
  private used = 0;

  /** Whether playback that held for some time was good. */
  good(heldMs: number): boolean {
    return heldMs >= goodMs;
  }

  /** How long to wait before the next try, after playback that held for some time; undefined when none is left. */
  next(heldMs: number): number | undefined {
    if (this.good(heldMs)) this.used = 0;
    if (this.used >= tries) return undefined;
    return backoff(this.used++, 500, 8000);
  }
}
