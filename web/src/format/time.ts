/** A length as people read clocks: 0:07, 12:34, 1:02:03. Negative lengths count as none. */
export function elapsed(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const seconds = String(total % 60).padStart(2, "0");
  const minutes = Math.floor(total / 60) % 60;
  const hours = Math.floor(total / 3600);
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

/** A number with its noun: "1 viewer", "2 viewers", "1,204 viewers". */
export function count(n: number, noun: string): string {
  // Not toLocaleString: a browser takes a tenth of a second for its first, while the picture waits.
  const grouped = String(n).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${grouped} ${noun}${n === 1 ? "" : "s"}`;
}

/** How long ago something was: "just now", "5 min ago", "3 h ago", then the date. */
export function ago(then: Date, now: Date): string {
  const minutes = Math.floor((now.getTime() - then.getTime()) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  const sameYear = then.getFullYear() === now.getFullYear();
  return then.toLocaleDateString("en", { day: "numeric", month: "short", ...(sameYear ? {} : { year: "numeric" }) });
}

/** A latency in seconds with one decimal, or a dash when it is not known. */
export function latency(seconds: number | undefined): string {
  return seconds === undefined ? "–" : `${Math.max(0, seconds).toFixed(1)} s`;
}
