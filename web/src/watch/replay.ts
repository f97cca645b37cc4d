import { pauseBeforeRetry } from "../api/backoff";
import { anySignal } from "../api/signals";
import type { Stream } from "../api/streams";

const timeoutMs = 8000;
const retryMs = 15_000;

/** Whether the window of a stream that has ended is still there. Asks again until somebody answers. */
export async function replayLeft(stream: Stream, signal: AbortSignal): Promise<boolean> {
  const url = stream.dash_url || stream.hls_url;
  while (url && !signal.aborted) {
    try {
      const limit = anySignal(signal, AbortSignal.timeout(timeoutMs));
      const answer = await fetch(url, { method: "HEAD", cache: "no-store", signal: limit });
      if (answer.status < 500 && answer.status !== 429) return answer.ok;
    } catch {
      // The network is away, or was too slow.
    }
    await pauseBeforeRetry(retryMs, signal);
  }
  return false;
}
