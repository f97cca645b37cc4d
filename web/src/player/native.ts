import { PlaybackError, seekableEnd, type Engine, type EngineEvents, type Rendition } from "./engine";

/** HLS by the browser itself: Safari, and what has no Media Source Extensions. */
export class NativeEngine implements Engine {
  readonly name = "this browser";
  readonly protocol = "hls";
  private readonly stop = new AbortController();

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly events: EngineEvents,
  ) {}

  load(url: string): Promise<void> {
    const { video } = this;
    const { signal } = this.stop;
    return new Promise((resolve, reject) => {
      let loaded = false;
      video.addEventListener("loadedmetadata", () => ((loaded = true), resolve()), { once: true, signal });
      video.addEventListener(
        "error",
        () => {
          const error = new PlaybackError(`native-${video.error?.code ?? 0}`);
          if (loaded) this.events.onBroken(error);
          else reject(error);
        },
        { signal },
      );
      video.src = url;
    });
  }

  liveEdge(): number {
    return this.end() ?? 0;
  }

  end(): number | undefined {
    return seekableEnd(this.video);
  }

  isLive(): boolean {
    return this.video.duration === Infinity;
  }

  /** Safari maps EXT-X-PROGRAM-DATE-TIME to the element's start date. */
  frameTime(): Date | undefined {
    const start = (this.video as { getStartDate?: () => Date }).getStartDate?.();
    if (!start || Number.isNaN(start.getTime())) return undefined;
    return new Date(start.getTime() + this.video.currentTime * 1000);
  }

  /** The browser chooses and does not tell. */
  renditions(): Rendition[] {
    return [];
  }

  select(): void {}

  async destroy(): Promise<void> {
    this.stop.abort();
    this.video.removeAttribute("src");
    this.video.load();
  }
}
