import type { EngineName, make } from "./choose";
import type { ServerClock } from "./clock";
import type { Engine, PlaybackError } from "./engine";
import type { LatencyWish } from "./latency";

/** An engine that is being made, and what it breaks by. */
export interface Pending {
  name: EngineName;
  latency: LatencyWish;
  engine: Promise<Engine>;
  broken: AbortController;
}

/** Makes engines, and one of them ahead of time: it can wait for its stream. */
export class Standby {
  private ahead: Pending | undefined;

  constructor(
    private readonly makeEngine: typeof make,
    private readonly clock: ServerClock,
    private readonly onRenditions: () => void,
  ) {}

  /** Makes the engine that a media element will most likely be played with. */
  prepare(name: EngineName, video: HTMLVideoElement, latency: LatencyWish): void {
    const pending = (this.ahead = this.begin(name, video, latency));
    pending.engine.catch(() => pending.broken.abort());
  }

  /** Takes the engine that was made ahead, if it is the one that is asked for and still good, or else begins to make one. */
  async take(name: EngineName, video: HTMLVideoElement, latency: LatencyWish = "lowest"): Promise<Pending> {
    const { ahead } = this;
    this.ahead = undefined;
    if (ahead?.name === name && ahead.latency === latency && !ahead.broken.signal.aborted) return ahead;
    await discard(ahead);
    return this.begin(name, video, latency);
  }

  async destroy(): Promise<void> {
    await discard(this.ahead);
    this.ahead = undefined;
  }

  private begin(name: EngineName, video: HTMLVideoElement, latency: LatencyWish): Pending {
    const broken = new AbortController();
    const events = {
      onBroken: (error: PlaybackError) => broken.abort(error),
      onRenditions: () => this.onRenditions(),
    };
    return { name, latency, engine: this.makeEngine(name, video, events, latency, this.clock), broken };
  }
}

export async function discard(pending: Pending | undefined): Promise<void> {
  await pending?.engine.then((engine) => engine.destroy()).catch(() => undefined);
}
