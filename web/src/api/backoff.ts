/** Waits that double from first to most, in milliseconds, for tries 0, 1, 2, … */
export function backoff(attempt: number, first = 500, most = 8000): number {
  return Math.min(most, first * 2 ** Math.min(attempt, 30));
}

/** Resolves after a time, or at once when the signal fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(finish, ms);
    signal.addEventListener("abort", finish, { once: true });
    function finish() {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    }
  });
}
