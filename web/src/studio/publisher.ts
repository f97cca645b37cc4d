import { backoff, pauseBeforeRetry } from "../api/backoff";
import { ApiError } from "../api/client";
import { errorMessage, subscribe, type StreamEvent, type Subscription } from "../api/events";
import type { Streams } from "../api/streams";
import { Connection } from "./connection";
import { between, read, type Counters, type Sample } from "./stats";

/** Where a broadcast is, as the broadcaster sees it. */
export type Phase = "connecting" | "starting" | "live" | "reconnecting" | "ended" | "failed";

export interface PublisherEvents {
  onPhase(phase: Phase, message?: string): void;
  onSample(sample: Sample): void;
}

const sampleEveryMs = 1000;

/** A stream that was live is worth any number of tries; one that never was is not. */
const triesToStart = 3;

/**
 * Publishes tracks to one stream until it ends: prepares it, connects, starts
 * it, and connects again whenever the connection is lost. The stream outlives
 * connections; a new session replaces the old one on the server.
 */
export class Publisher {
  private readonly stop = new AbortController();
  private connection: Connection | undefined;
  private events: Subscription | undefined;
  private tracks: MediaStreamTrack[];
  private before: Counters | undefined;
  private phase: Phase = "connecting";
  private failure: string | undefined;

  constructor(
    private readonly streams: Streams,
    private readonly id: number,
    media: MediaStream,
    private readonly maxBitrate: number,
    private readonly on: PublisherEvents,
    /** The stream was live before, so it is worth any number of tries. */
    private everLive = false,
  ) {
    this.tracks = media.getTracks();
  }

  /** Publishes; resolves when the broadcast is over, however that came. */
  async run(): Promise<void> {
    const sampling = setInterval(() => void this.sample(), sampleEveryMs);
    try {
      await this.prepare();
      await this.stayConnected();
    } catch (error) {
      if (!this.over) this.enter("failed", (error as Error).message);
    } finally {
      clearInterval(sampling);
      this.close();
    }
  }

  /** Prepares the stream and listens to it; again and again where it was live and the network is away. */
  private async prepare(): Promise<void> {
    for (let attempt = 0; !this.over; attempt++) {
      try {
        await this.streams.prepare(this.id);
        return await this.listen();
      } catch (error) {
        if (!this.everLive || !(error instanceof ApiError && error.transient)) throw error;
        this.enter("reconnecting");
        await pauseBeforeRetry(backoff(attempt), this.stop.signal);
      }
    }
  }

  /** Ends the stream for everybody. */
  async end(): Promise<void> {
    await this.streams.end(this.id);
    this.finish("ended");
  }

  /** Leaves the stream as it is and lets the connection go, as a closed tab does. */
  close(): void {
    this.stop.abort();
    this.events?.close();
    this.connection?.close();
  }

  /** Sends other tracks from now on, without a new connection where that is possible. */
  async replace(media: MediaStream): Promise<void> {
    this.tracks = media.getTracks();
    if (this.connection && !(await this.connection.replace(this.tracks))) this.connection.close();
  }

  private get over(): boolean {
    return this.phase === "ended" || this.phase === "failed" || this.stop.signal.aborted;
  }

  /** One round of the loop is one connection. Rounds that never got through wait longer and longer. */
  private async stayConnected(): Promise<void> {
    for (let attempt = 0; !this.over; attempt++) {
      const connected = await this.publishOnce();
      if (this.over) return;
      if (!this.everLive && attempt + 1 >= triesToStart) return this.finish("failed", this.failure);
      if (connected) attempt = -1;
      if (this.everLive) this.enter("reconnecting");
      await pauseBeforeRetry(backoff(Math.max(0, attempt)), this.stop.signal);
    }
  }

  /** Holds one connection until it is lost. Tells whether it ever stood. */
  private async publishOnce(): Promise<boolean> {
    if (!this.everLive) this.enter("connecting");
    const connection = new Connection(this.streams, this.id, this.tracks, this.maxBitrate);
    this.connection = connection;
    this.before = undefined;
    try {
      await connection.open(this.stop.signal);
      if (this.phase === "connecting") this.enter("starting");
      await this.streams.start(this.id, this.stop.signal);
      this.everLive = true;
      this.enter("live");
      await connection.lost(this.stop.signal);
      return true;
    } catch (error) {
      this.failure = (error as Error).message;
      if (error instanceof ApiError && !error.transient) await this.refuse(error);
      return false;
    } finally {
      connection.close();
    }
  }

  /** A refusal is final when the key is not good any more, once the stream has ended, or when it was never live. */
  private async refuse(error: ApiError): Promise<void> {
    if (error.status === 403) return this.finish("failed", error.message);
    const stream = await this.streams.get(this.id).catch(() => undefined);
    if (stream?.status === "ended") this.finish("ended");
    else if (stream?.status === "error" || !stream?.is_live) this.finish("failed", error.message);
  }

  /** Event keys last an hour: when the server closes the events of a running stream, a fresh key opens them again. */
  private async listen(attempt = 0): Promise<void> {
    const key = await this.streams.eventKey(this.id);
    if (this.over) return;
    this.events = subscribe(
      `/streams/${this.id}/events/${key}`,
      (event) => this.hear(event),
      () => void this.relisten(attempt),
    );
  }

  private async relisten(attempt: number): Promise<void> {
    await pauseBeforeRetry(backoff(attempt, 1000), this.stop.signal);
    if (this.over) return;
    const stream = await this.streams.get(this.id).catch(() => undefined);
    if (stream?.status === "ended") return this.finish("ended");
    await this.listen(attempt + 1).catch(() => this.relisten(attempt + 1));
  }

  private hear({ name, data }: StreamEvent): void {
    if (name === "iceCandidate") this.connection?.addCandidate(data as RTCIceCandidateInit);
    else if (name === "streamEnded") this.finish("ended");
    else if (name === "streamError") void this.hearError(errorMessage(data));
  }

  /** An encoder that fell over is started again; only an error that ended the stream is final. */
  private async hearError(message: string | undefined): Promise<void> {
    const stream = await this.streams.get(this.id).catch(() => undefined);
    if (stream?.status === "error") this.finish("failed", message);
  }

  private async sample(): Promise<void> {
    const report = await this.connection?.stats();
    if (!report || this.phase !== "live") return;
    const now = read(report.values() as Iterable<Record<string, unknown>>, performance.now());
    if (this.before) this.on.onSample(between(this.before, now));
    this.before = now;
  }

  private finish(phase: "ended" | "failed", message?: string): void {
    if (this.over) return;
    this.enter(phase, message);
    this.close();
  }

  private enter(phase: Phase, message?: string): void {
    if (phase === this.phase && message === undefined) return;
    this.phase = phase;
    this.on.onPhase(phase, message);
  }
}
