const url = "/time";

/** The server's clock as seen from here: wall time of this machine plus an offset. */
export class ServerClock {
  private offset: number | undefined;

  constructor(private readonly fetch: typeof globalThis.fetch = (...request) => globalThis.fetch(...request)) {}

  /** In ms since 1970; undefined until the server was asked. */
  now(): number | undefined {
    return this.offset === undefined ? undefined : Date.now() + this.offset;
  }

  /** Asks a few times and keeps the answer that came back fastest. Without one ever, this machine's clock counts. */
  async sync(samples = 3): Promise<void> {
    let best = Infinity;
    for (let i = 0; i < samples; i++) {
      const answer = await this.ask().catch(() => undefined);
      if (!answer || answer.roundTrip >= best) continue;
      best = answer.roundTrip;
      this.offset = answer.offset;
    }
    this.offset ??= 0;
  }

  private async ask(): Promise<Answer | undefined> {
    const sent = Date.now();
    const response = await this.fetch(url, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    const received = Date.now();
    const server = parseTime(await response.text());
    if (!response.ok || server === undefined) return undefined;
    const { from, to } = trip() ?? { from: sent, to: received };
    return offset(from, to, server);
  }
}

/** When the newest request was on its way, which a busy page learns late: in ms since 1970. */
function trip(): { from: number; to: number } | undefined {
  const entries = performance.getEntriesByName(new URL(url, globalThis.location?.href ?? "http://localhost").href);
  const entry = entries.at(-1) as PerformanceResourceTiming | undefined;
  if (!entry?.responseStart) return undefined;
  const origin = Date.now() - performance.now(); // not timeOrigin: the clock may have been set since
  return { from: origin + entry.requestStart, to: origin + entry.responseStart };
}

export interface Answer {
  roundTrip: number;
  offset: number;
}

/** Takes the server's reading to be from the middle of the round trip (RFC 5905, section 8). */
export function offset(sent: number, received: number, server: number): Answer {
  return { roundTrip: received - sent, offset: server - (sent + received) / 2 };
}

/** Reads a time as UTCTiming answers give it: ISO 8601, bare or as a JSON string. */
export function parseTime(text: string): number | undefined {
  const time = Date.parse(text.trim().replace(/^"|"$/g, ""));
  return Number.isNaN(time) ? undefined : time;
}
