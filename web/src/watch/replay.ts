import type { Stream } from "../api/streams";

/** Whether the window of a stream that has ended can still be had. */
export async function replayLeft(stream: Stream): Promise<boolean> {
  const url = stream.dash_url || stream.hls_url;
  if (!url) return false;
  try {
    const answer = await fetch(url, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(8000) });
    return answer.ok;
  } catch {
    return false;
  }
}
