import type { Protocol } from "../player/engine";

/** What the address of a watch page asks for. */
export interface Address {
  /** The stream's id or slug. */
  ref: string;
  protocol: Protocol | undefined;
}

export function parseAddress(path: string, query: string): Address {
  const segment = path.split("/")[2] ?? "";
  const wish = new URLSearchParams(query).get("protocol");
  return { ref: decode(segment), protocol: wish === "dash" || wish === "hls" ? wish : undefined };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // A broken escape names no stream; the server says so.
  }
}
