import { backoff, pause, pauseBeforeRetry } from "../api/backoff";
import { ApiError } from "../api/client";
import { subscribe, type StreamEvent, type Subscription } from "../api/events";
import type { Stream, Streams } from "../api/streams";
import { over } from "../faces";
import { worthHolding } from "./connections";
import { after } from "./transition";

export type Trouble = "not-found" | "unreachable" | "refused";

/** How often the stream is asked for, in ms; and without events, while the page says that it comes back any moment. */
const pollMs = 5_000;
const soonMs = 1_000;

/** How often what was refused is asked for again, in ms: it may have been a proxy that refused it, or come to be. */
const refusedMs = 60_000;

/** The stream that a page shows, kept up to date by its events and, for the viewers, by asking now and then. */
export class Watched {
  stream = $state.raw<Stream>();
  trouble = $state<Trouble>();
  /** The server's sentence, where there is one. */
  message = $state<string>();

  /** What the server's log knows the refusal by. */
  reference = $state<string>();

  private readonly stop = new AbortController();
  private events: Subscription | undefined;
  /** How often events were lost, and when they are asked for again. */
  private losses = 0;
  private listenFrom = 0;

  constructor(
    private readonly streams: Streams,
    private readonly ref: string,
  ) {}

  /** Follows the stream until close; asks again for as long as the server does not answer, or has no such stream. */
  async run(): Promise<void> {
    const { signal } = this.stop;
    for (let attempt = 0; !signal.aborted && !this.stream; attempt++) {
      const idle = document.hidden && (this.trouble === "refused" || this.trouble === "not-found");
      if (!idle) await this.refresh();
      const wait = this.trouble === "unreachable" ? backoff(attempt, 1000) : refusedMs;
      if (!this.stream) await pauseBeforeRetry(wait, signal);
    }
    while (!signal.aborted && this.stream && !over(this.stream.status)) {
      this.listen();
      await pauseBeforeRetry(!this.events && this.stream.status === "reconnecting" ? soonMs : pollMs, signal);
      if (signal.aborted) return;
      if (!document.hidden || !this.events) await this.refresh();
    }
  }

  close(): void {
    this.stop.abort();
    this.leave();
  }

  async refresh(): Promise<void> {
    try {
      this.stream = await this.streams.get(this.stream?.id ?? this.ref, this.stop.signal);
      this.trouble = this.message = undefined;
    } catch (error) {
      if (this.stop.signal.aborted) return;
      this.note(error);
    }
    this.listen();
  }

  private note(error: unknown): void {
    const refusal = error instanceof ApiError && !error.transient ? error : undefined;
    this.message = (error as Error).message;
    this.reference = refusal?.reference;
    if (refusal?.status === 404 || refusal?.status === 410) this.trouble = "not-found";
    else this.trouble = refusal ? "refused" : "unreachable";
  }

  /** Has events come while they are worth a connection. Where they are not, the stream is asked for now and then. */
  private listen(): void {
    const { stream } = this;
    if (!stream || over(stream.status) || !worthHolding(stream.status)) return this.leave();
    if (this.events || this.stop.signal.aborted || performance.now() < this.listenFrom) return;
    this.events = subscribe(
      `/streams/${stream.id}/events`,
      (event) => void this.hear(event),
      () => this.lost(),
    );
  }

  private leave(): void {
    this.events?.close();
    this.events = undefined;
  }

  /** The server closed the events: the stream has ended, or it has too many. The stream itself tells. */
  private lost(): void {
    this.events = undefined;
    const wait = backoff(this.losses++, 500, 15_000);
    this.listenFrom = performance.now() + wait;
    void this.refresh();
    void pause(wait, this.stop.signal).then(() => this.listen());
  }

  /** Shows the new state at once, then asks for the whole stream. */
  private async hear({ name }: StreamEvent): Promise<void> {
    this.losses = 0;
    if (!this.stream) return;
    const status = after(this.stream.status, name);
    // A started stream needs its addresses first.
    if (status !== "live" || this.stream.dash_url) this.stream = { ...this.stream, status };
    await this.refresh();
  }
}
