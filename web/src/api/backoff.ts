import { anySignal } from "./signals";

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

/**
 * Resolves after a time, or sooner when there is a reason to try again: the
 * network is back, or somebody looks at the page again. Tells whether there was one.
 */
export async function pauseBeforeRetry(ms: number, signal: AbortSignal): Promise<boolean> {
  const hope = new AbortController();
  const give = () => {
    if (!globalThis.document?.hidden) hope.abort();
  };
  const until = { signal: hope.signal };
  globalThis.window?.addEventListener("online", () => hope.abort(), until);
  globalThis.window?.addEventListener("pageshow", give, until);
  globalThis.document?.addEventListener("visibilitychange", give, until);
  await pause(ms, anySignal(signal, hope.signal));
  const hoped = hope.signal.aborted;
  hope.abort(); // takes the listeners off
  return hoped;
}
