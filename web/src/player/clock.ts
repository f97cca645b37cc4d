/** The server's clock as seen from here: wall time of this machine plus an offset. */
export class ServerClock {
  private offset: number | undefined;

  constructor(private readonly url = "/time") {}

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
    const response = await fetch(this.url, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    const received = Date.now();
    const server = parseTime(await response.text());
    return response.ok && server !== undefined ? offset(sent, received, server) : undefined;
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
