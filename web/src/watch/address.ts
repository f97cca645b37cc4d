import type { Protocol } from "../player/engine";
import type { LatencyWish } from "../player/latency";

/** What the address of a watch page asks for. */
export interface Address {
  /** The stream's id or slug. */
  ref: string;
  protocol: Protocol | undefined;
  latency: LatencyWish;
}

export function parseAddress(path: string, query: string): Address {
  const segment = path.split("/")[2] ?? "";
  const wishes = new URLSearchParams(query);
  const protocol = wishes.get("protocol");
  return {
    ref: decode(segment),
    protocol: protocol === "dash" || protocol === "hls" ? protocol : undefined,
    latency: wishes.get("latency") === "smooth" ? "smooth" : "lowest",
  };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // A broken escape names no stream; the server says so.
  }
}
