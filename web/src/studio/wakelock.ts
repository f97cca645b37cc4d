/**
 * Keeps the device from going to sleep, which would end what it captures. The
 * browser takes the lock back whenever the page is hidden.
 */
export class WakeLock {
  private wanted = false;
  private asking = false;
  private lock: WakeLockSentinel | undefined;

  constructor() {
    globalThis.document?.addEventListener("visibilitychange", () => void this.ask());
  }

  /** Keeps it awake, or no longer. */
  set(awake: boolean): void {
    this.wanted = awake;
    if (awake) void this.ask();
    else void this.lock?.release().catch(() => undefined);
  }

  private async ask(): Promise<void> {
    if (!this.wanted || this.asking || (this.lock && !this.lock.released) || document.hidden) return;
    this.asking = true;
    try {
      this.lock = await navigator.wakeLock?.request("screen");
    } catch {
      // A battery that runs low, or a policy, says no: the broadcast goes on without.
    } finally {
      this.asking = false;
    }
    if (!this.wanted) await this.lock?.release().catch(() => undefined);
  }
}
