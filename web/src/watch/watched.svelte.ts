import { backoff, pause } from "../api/backoff";
import { ApiError } from "../api/client";
import { subscribe, type StreamEvent, type Subscription } from "../api/events";
import type { Stream, Streams } from "../api/streams";
import { over } from "../faces";
import { after } from "./transition";

export type Trouble = "not-found" | "unreachable" | "refused";

const pollMs = 5_000;

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

  constructor(
    private readonly streams: Streams,
    private readonly ref: string,
  ) {}

  /** Follows the stream until close; asks again for as long as the server does not answer. */
  async run(): Promise<void> {
    const { signal } = this.stop;
    for (let attempt = 0; !signal.aborted && !this.stream; attempt++) {
      await this.refresh();
      if (this.trouble === "not-found" || this.trouble === "refused") return;
      if (!this.stream) await pause(backoff(attempt, 1000), signal);
    }
    this.listen();
    while (!signal.aborted && this.stream && !over(this.stream.status)) {
      await pause(pollMs, signal);
      if (!document.hidden && !signal.aborted) await this.refresh();
    }
  }

  close(): void {
    this.stop.abort();
    this.events?.close();
  }

  async refresh(): Promise<void> {
    try {
      this.stream = await this.streams.get(this.stream?.id ?? this.ref, this.stop.signal);
      this.trouble = this.message = undefined;
    } catch (error) {
      if (this.stop.signal.aborted) return;
      this.note(error);
    }
    if (this.stream && over(this.stream.status)) this.events?.close();
  }

  private note(error: unknown): void {
    const refusal = error instanceof ApiError && !error.transient ? error : undefined;
    this.message = (error as Error).message;
    this.reference = refusal?.reference;
    if (refusal?.status === 404 || refusal?.status === 410) this.trouble = "not-found";
    else this.trouble = refusal ? "refused" : "unreachable";
  }

  private listen(attempt = 0): void {
    const { stream } = this;
    if (!stream || over(stream.status) || this.stop.signal.aborted) return;
    this.events = subscribe(
      `/streams/${stream.id}/events`,
      (event) => void this.hear(event),
      () => void this.relisten(attempt),
    );
  }

  /** The server closed the events: the stream has ended, or a proxy stands in between. The stream itself tells. */
  private async relisten(attempt: number): Promise<void> {
    await pause(backoff(attempt, 500, 15_000), this.stop.signal);
    await this.refresh();
    this.listen(attempt + 1);
  }

  /** Shows the new state at once, then asks for the whole stream. */
  private async hear({ name }: StreamEvent): Promise<void> {
    if (!this.stream) return;
    const status = after(this.stream.status, name);
    // A started stream needs its addresses first.
    if (status !== "live" || this.stream.dash_url) this.stream = { ...this.stream, status };
    await this.refresh();
  }
}
