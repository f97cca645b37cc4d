/** The events of a stream, by their names on the wire. */
export const eventNames = [
  "streamReady",
  "streamStarted",
  "streamReconnecting",
  "streamEnded",
  "streamError",
  "iceCandidate",
] as const;
export type EventName = (typeof eventNames)[number];

export interface StreamEvent {
  name: EventName;
  /** The parsed data; undefined when it was not JSON. */
  data: unknown;
}

/** What subscribe needs of an EventSource; tests bring their own. */
export interface Source {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void;
  close(): void;
}

export interface Subscription {
  close(): void;
}

const closed = 2; // EventSource.CLOSED

/**
 * Listens to a stream's events at a path under /v1. The browser reconnects by
 * itself after a loss; onClosed is called once when it will not any more: the
 * stream has ended (204), or the key in the path is not good (403).
 */
export function subscribe(
  path: string,
  onEvent: (event: StreamEvent) => void,
  onClosed: () => void,
  open: (url: string) => Source = (url) => new EventSource(url) as Source,
): Subscription {
  const source = open(`/v1${path}`);
  let done = false;
  for (const name of eventNames) {
    source.addEventListener(name, ({ data }) => {
      if (!done) onEvent({ name, data: parse(data) });
    });
  }
  source.addEventListener("error", () => {
    if (done || source.readyState !== closed) return;
    done = true;
    onClosed();
  });
  return {
    close() {
      done = true;
      source.close();
    },
  };
}

function parse(data: unknown): unknown {
  if (typeof data !== "string") return undefined;
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

/** The sentence in a streamError's data, if it has one. */
export function errorMessage(data: unknown): string | undefined {
  const message = (data as { message?: unknown } | undefined)?.message;
  return typeof message === "string" && message !== "" ? message : undefined;
}
