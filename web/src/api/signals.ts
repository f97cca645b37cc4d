/**
 * A signal that fires with the first of several. AbortSignal.any does the same,
 * but is newer than the oldest browsers that the pages support.
 */
export function anySignal(...signals: AbortSignal[]): AbortSignal {
  const any = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) {
      any.abort(signal.reason);
      break;
    }
    // The first to fire takes the listeners off the others, which may live long.
    signal.addEventListener("abort", () => any.abort(signal.reason), { once: true, signal: any.signal });
  }
  return any.signal;
}
