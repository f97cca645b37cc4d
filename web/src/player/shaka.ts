import shaka from "shaka-player/dist/shaka-player.dash-es2021.js";
import { smoothStartS, type LatencyWish } from "./latency";
import { PlaybackError, type Engine, type EngineEvents, type Rendition } from "./engine";

const retry = {
  maxAttempts: 4,
  baseDelay: 250,
  backoffFactor: 2,
  fuzzFactor: 0.3,
  timeout: 10_000,
  stallTimeout: 5000,
  connectionTimeout: 5000,
};

const config = {
  manifest: { retryParameters: retry },
  streaming: {
    lowLatencyMode: true,
    // A chunk is enough to go on with: how much is kept in reserve is the latency controller's business.
    rebufferingGoal: 0.01,
    bufferingGoal: 10,
    retryParameters: retry,
    bufferBehind: 60,
    liveSync: { enabled: false },
  },
  // The picture is never sharper than the place it is shown in, but full screen counts.
  abr: { defaultBandwidthEstimate: 3_000_000 },
};

/** DASH by Shaka Player. */
export class ShakaEngine implements Engine {
  readonly name = "Shaka Player";
  readonly protocol = "dash";
  private readonly player = new shaka.Player();

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly events: EngineEvents,
    private readonly latency: LatencyWish,
  ) {
    shaka.polyfill.installAll();
    this.player.configure(config);
    this.player.addEventListener("error", (event) => {
      const { code } = (event as unknown as { detail: shaka.util.Error }).detail;
      this.events.onBroken(new PlaybackError(`shaka-${code}`));
    });
    for (const name of ["trackschanged", "adaptation", "variantchanged"]) {
      this.player.addEventListener(name, () => this.events.onRenditions());
    }
  }

  async load(url: string): Promise<void> {
    try {
      await this.player.attach(this.video);
      // Below zero it counts from the live edge; after the end of a stream there is none.
      await this.player.load(url, this.latency === "smooth" ? -smoothStartS : undefined);
    } catch (error) {
      throw new PlaybackError(`shaka-${(error as shaka.util.Error).code ?? "load"}`);
    }
  }

  liveEdge(): number {
    return this.player.seekRange().end;
  }

  isLive(): boolean {
    return this.player.isLive();
  }

  frameTime(): Date | undefined {
    return this.player.getPlayheadTimeAsDate() ?? undefined;
  }

  renditions(): Rendition[] {
    return this.player.getVideoTracks().map(({ height, bandwidth, active }) => ({
      height: height ?? 0,
      bitrate: bandwidth,
      active,
    }));
  }

  select(height: number | undefined): void {
    this.player.configure("abr.enabled", height === undefined);
    const track = this.player.getVideoTracks().find((t) => t.height === height);
    if (track) this.player.selectVideoTrack(track, false);
  }

  async destroy(): Promise<void> {
    await this.player.destroy();
  }
}
