const url = "/time";

/** The server's clock as seen from here: wall time of this machine plus an offset. */
export class ServerClock {
  private offset: number | undefined;
  private readonly trips = new Trips();
  private asking: Promise<void> = Promise.resolve();

  constructor(private readonly fetch: typeof globalThis.fetch = (...request) => globalThis.fetch(...request)) {}

  /** In ms since 1970; undefined until the server was asked. */
  now(): number | undefined {
    return this.offset === undefined ? undefined : Date.now() + this.offset;
  }

  /** Asks a few times and keeps the answer that came back fastest. Without one ever, this machine's clock counts. */
  sync(samples = 3): Promise<void> {
    // One after another: two questions at a time could take each other's times.
    this.asking = this.asking.then(() => this.askSome(samples));
    return this.asking;
  }

  private async askSome(samples: number): Promise<void> {
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
    this.trips.makeRoom();
    const response = await this.fetch(url, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    const received = Date.now();
    const server = parseTime(await response.text());
    if (!response.ok || server === undefined) return undefined;
    const { from, to } = this.trips.newest() ?? { from: sent, to: received };
    return offset(from, to, server);
  }
}

/** When requests for the time were on their way, which a busy page learns late. */
class Trips {
  /** When the request began whose times were taken last, in ms since the page began. */
  private taken = -1;
  private first = true;

  /**
   * Empties the browser's buffer of such times: it takes 250 of them, which media use up in half a minute, and none
   * after that. The first request is spared, as it may have been made before this code was there.
   */
  makeRoom(): void {
    if (!this.first) performance.clearResourceTimings();
    this.first = false;
  }

  /** The times of the newest request, in ms since 1970; undefined when they were not recorded. */
  newest(): { from: number; to: number } | undefined {
    const entries = performance.getEntriesByName(new URL(url, globalThis.location?.href ?? "http://localhost").href);
    const entry = entries.at(-1) as PerformanceResourceTiming | undefined;
    // One that was taken already is of an earlier request.
    if (!entry?.responseStart || entry.startTime <= this.taken) return undefined;
    this.taken = entry.startTime;
    const origin = Date.now() - performance.now(); // not timeOrigin: the clock may have been set since
    return { from: origin + entry.requestStart, to: origin + entry.responseStart };
  }
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
