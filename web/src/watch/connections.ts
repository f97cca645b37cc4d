import type { Status } from "../api/streams";
import { playable } from "../faces";

/**
 * Whether this page's requests share one connection. By HTTP/1.1 each takes one,
 * and browsers open six to a host, for all their tabs together.
 */
function oneForAll(): boolean {
  const [loaded] = performance.getEntriesByType?.("navigation") ?? [];
  return location.protocol === "https:" && (loaded as PerformanceNavigationTiming)?.nextHopProtocol !== "http/1.1";
}

/**
 * Whether the events of a stream in this state are worth the connection that they hold. Where connections are few they
 * are left to media while there are any, and to the tabs that are looked at.
 */
export function worthHolding(status: Status): boolean {
  return oneForAll() || (!playable(status) && !document.hidden);
}
