import Hls from "hls.js";
import { loadEveryPart } from "./everypart";
import { smoothStartS, type LatencyWish } from "./latency";
import { PlaybackError, seekableEnd, type Engine, type EngineEvents, type Rendition } from "./engine";

const config = {
  lowLatencyMode: true,
  // Keeping up is the latency controller's business.
  maxLiveSyncPlaybackRate: 1,
  liveSyncOnStallIncrease: 0,
  // Its default, and to be kept: while hls.js removes what is behind, it forgets the parts of a segment that it is
  // loading, and waits for them until they are listed no more. Browsers make room by themselves.
  backBufferLength: Infinity,
  // Segments are fMP4 and pass through: a worker would only cost a blob: script.
  enableWorker: false,
};

/** HLS by hls.js. */
export class HlsEngine implements Engine {
  readonly name = "hls.js";
  readonly protocol = "hls";
  private readonly hls: Hls;
  private mended = false;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly events: EngineEvents,
    latency: LatencyWish,
  ) {
    this.hls = new Hls(latency === "smooth" ? { ...config, liveSyncDuration: smoothStartS } : config);
    loadEveryPart(Hls, this.hls);
    for (const name of [Hls.Events.MANIFEST_PARSED, Hls.Events.LEVEL_SWITCHED] as const) {
      this.hls.on(name, () => this.events.onRenditions());
    }
    this.hls.attachMedia(this.video);
  }

  load(url: string): Promise<void> {
    return new Promise((resolve, reject) => {
      let loaded = false;
      this.hls.once(Hls.Events.MANIFEST_PARSED, () => {
        loaded = true;
        resolve();
      });
      this.hls.on(Hls.Events.ERROR, (_name, { fatal, type, details }) => {
        if (!fatal) return;
        if (type === Hls.ErrorTypes.MEDIA_ERROR && !this.mended) {
          this.mended = true;
          this.hls.recoverMediaError();
          return;
        }
        const error = new PlaybackError(`hls-${details}`);
        if (loaded) this.events.onBroken(error);
        else reject(error);
      });
      this.hls.loadSource(url);
    });
  }

  liveEdge(): number {
    return this.hls.liveSyncPosition ?? seekableEnd(this.video) ?? 0;
  }

  end(): number | undefined {
    return this.hls.latestLevelDetails?.edge;
  }

  isLive(): boolean {
    return this.hls.latestLevelDetails?.live ?? true;
  }

  frameTime(): Date | undefined {
    return this.hls.playingDate ?? undefined;
  }

  renditions(): Rendition[] {
    return this.hls.levels.map(({ height, bitrate }, i) => ({ height, bitrate, active: i === this.hls.currentLevel }));
  }

  select(height: number | undefined): void {
    this.hls.nextLevel = height === undefined ? -1 : this.hls.levels.findIndex((level) => level.height === height);
  }

  async destroy(): Promise<void> {
    this.hls.destroy();
  }
}
