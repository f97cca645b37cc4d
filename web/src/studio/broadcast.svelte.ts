import { ApiError } from "../api/client";
import { watchPath, type Quality, type Stream, type Streams } from "../api/streams";
import { maxBitrate } from "./bitrate";
import { Claim } from "./claim";
import { judge, type Health, type Wanted } from "./health";
import { Publisher, type Phase, type PublisherEvents } from "./publisher";
import { running } from "./resume";
import type { Sample } from "./stats";
import { WakeLock } from "./wakelock";

const historyLength = 60;
const pollMs = 5000;

/** The broadcast of this tab, from *Go live* to its end. */
export class Broadcast {
  stream = $state.raw<Stream>();
  phase = $state<Phase | "idle">("idle");
  message = $state<string>();
  samples = $state.raw<Sample[]>([]);
  viewers = $state(0);
  mostViewers = $state(0);
  /** Wall time of the end, while the server has not told its own. */
  endedAt = $state<number>();

  /** The stream that another tab of this browser publishes to. */
  elsewhere = $state.raw<Stream>();

  private publisher: Publisher | undefined;
  private claim: Claim | undefined;
  private readonly wakeLock = new WakeLock();
  private poll: ReturnType<typeof setInterval> | undefined;
  private connectedAt = 0;
  /** Counts what was begun and left: what takes time must not go on after that. */
  private turn = 0;

  constructor(private readonly streams: Streams) {}

  get onAir(): boolean {
    return ["connecting", "starting", "live", "reconnecting"].includes(this.phase);
  }

  get over(): boolean {
    return this.phase === "ended" || this.phase === "failed";
  }

  get link(): string {
    return this.stream ? location.origin + watchPath(this.stream.id) : "";
  }

  /** When the stream went live, in wall milliseconds; undefined before. */
  get startedAt(): number | undefined {
    return this.stream?.start_time ? Date.parse(this.stream.start_time) : undefined;
  }

  health(wanted: Wanted): Health {
    if (this.phase === "reconnecting") return { level: "poor", reason: "The connection is lost. Connecting again." };
    return judge(this.samples, wanted, Date.now() - this.connectedAt);
  }

  /** Creates a stream and publishes to it. */
  async goLive(name: string, quality: Quality, media: MediaStream, screen: boolean): Promise<void> {
    this.reset();
    this.phase = "connecting";
    try {
      await this.publish(await this.streams.create(name, quality), media, screen);
    } catch (error) {
      this.phase = "failed";
      this.message = (error as Error).message;
    }
  }

  /** Continues a stream that is running already, unless another tab does and it is not to be taken over. */
  async resume(stream: Stream, media: MediaStream, screen: boolean, takeOver = false): Promise<void> {
    this.reset();
    this.phase = "connecting";
    await this.publish(stream, media, screen, takeOver);
  }

  send(media: MediaStream, screen: boolean): void {
    if (!this.onAir || !this.stream) return;
    running.save({ id: this.stream.id, screen });
    void this.publisher?.replace(media);
  }

  /** Ends the stream for everybody. A refusal is thrown as a sentence; the broadcast goes on then. */
  async stop(): Promise<void> {
    await this.publisher?.end();
  }

  /** Back to before: the next broadcast is another stream. */
  reset(): void {
    this.leave();
    this.elsewhere = undefined;
    this.stream = undefined;
    this.phase = "idle";
    this.message = undefined;
    this.samples = [];
    this.viewers = this.mostViewers = 0;
    this.endedAt = undefined;
  }

  /** Closes the connection, and leaves the stream as it is. */
  private leave(): void {
    this.turn++;
    this.publisher?.close();
    this.publisher = undefined;
    this.claim?.release();
    this.claim = undefined;
    this.wakeLock.set(false);
    clearInterval(this.poll);
  }

  private async publish(stream: Stream, media: MediaStream, screen: boolean, takeOver = false): Promise<void> {
    const { turn } = this;
    const claim = await Claim.on(stream.id, takeOver, () => this.turn === turn && this.yield(stream));
    if (this.turn !== turn) return claim?.release();
    if (!claim) return this.yield(stream);
    this.claim = claim;
    this.stream = stream;
    running.save({ id: stream.id, screen });
    const events: PublisherEvents = {
      onPhase: (phase, message) => this.publisher === publisher && this.enter(phase, message),
      onSample: (sample) => (this.samples = [...this.samples, sample].slice(-historyLength)),
    };
    const bitrate = maxBitrate(stream.quality);
    const publisher = new Publisher(this.streams, stream.id, media, bitrate, events, !!stream.start_time);
    this.publisher = publisher;
    this.wakeLock.set(true);
    this.poll = setInterval(() => void this.refresh(), pollMs);
    void publisher.run();
  }

  /** Another tab has the broadcast: it is left to that one until somebody decides. */
  private yield(stream: Stream): void {
    this.reset();
    this.elsewhere = stream;
  }

  private enter(phase: Phase, message?: string): void {
    this.phase = phase;
    this.message = message;
    if (phase === "live") this.connectedAt = Date.now();
    if (phase === "reconnecting") this.samples = [];
    if (this.over) {
      this.endedAt = Date.now();
      clearInterval(this.poll);
      this.claim?.release();
      this.wakeLock.set(false);
      running.forget();
    }
    if (phase === "live" || this.over) void this.refresh();
  }

  private async refresh(): Promise<void> {
    const id = this.stream?.id;
    if (id === undefined) return;
    try {
      const stream = await this.streams.get(id);
      if (this.stream?.id !== id) return;
      this.stream = stream;
      this.viewers = stream.viewer_count ?? 0;
      this.mostViewers = Math.max(this.mostViewers, this.viewers);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // The next round asks again.
    }
  }
}
