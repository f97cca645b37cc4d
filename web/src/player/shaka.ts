import shaka from "shaka-player/dist/shaka-player.dash-es2021.js";
import type { ServerClock } from "./clock";
import { EdgeBandwidth } from "./edgebandwidth";
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

/** How long to wait, in seconds, before what failed is asked for again. */
const retryS = 0.5;

const config = {
  manifest: {
    retryParameters: retry,
    dash: {
      // The server's segments keep to its clock: a correction would falsify the latency that is shown.
      autoCorrectDrift: false,
    },
  },
  streaming: {
    lowLatencyMode: true,
    // A chunk is enough to go on with: how much is kept in reserve is the latency controller's business.
    rebufferingGoal: 0.01,
    bufferingGoal: 10,
    retryParameters: retry,
    bufferBehind: 60,
    liveSync: { enabled: false },
  },
  // Every chunk is a sample: those of a small rendition are a few kilobytes.
  abr: { defaultBandwidthEstimate: 3_000_000, advanced: { minBytes: 1000 } },
};

/** Shaka's choice of a rendition, from what downloads at the live edge say. */
class EdgeAbr extends shaka.abr.SimpleAbrManager {
  constructor(private readonly edge: EdgeBandwidth) {
    super();
  }

  override segmentDownloaded(
    ms: number,
    bytes: number,
    allowSwitch: boolean,
    request?: shaka.extern.Request,
    context?: shaka.extern.RequestContext,
  ): void {
    // Sound comes at a crawl however fast the network is.
    if (request?.contentType === "audio") return;
    const factor = this.edge.factor(performance.now());
    if (factor !== undefined) super.segmentDownloaded(ms, bytes * factor, allowSwitch, request, context);
  }
}

/** Takes the elements of a name out of an MPD. */
function remove(mpd: shaka.extern.xml.Node, name: string): void {
  mpd.children = mpd.children.filter((child) => typeof child === "string" || child.tagName !== name);
}

/** The time itself, in place of where to ask for it (ISO/IEC 23009-1, section 5.8.5.7). */
function utcTiming(parent: shaka.extern.xml.Node, now: Date): shaka.extern.xml.Node {
  const attributes = { schemeIdUri: "urn:mpeg:dash:utc:direct:2014", value: now.toISOString() };
  return { tagName: "UTCTiming", attributes, children: [], parent };
}

function isNetwork({ category }: shaka.util.Error): boolean {
  return category === shaka.util.Error.Category.NETWORK;
}

/** DASH by Shaka Player. */
export class ShakaEngine implements Engine {
  readonly name = "Shaka Player";
  readonly protocol = "dash";
  private readonly player = new shaka.Player();
  /** Counts from when something is loaded. */
  private edge: EdgeBandwidth | undefined;
  private readonly attached: Promise<unknown>;
  /** When the presentation's time was 0, in ms since 1970; undefined before the first MPD. */
  private start: number | undefined;
  private ended = false;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly events: EngineEvents,
    private readonly latency: LatencyWish,
    private readonly clock: ServerClock,
  ) {
    shaka.polyfill.installAll();
    this.player.configure({ ...config, abrFactory: () => this.abr() });
    this.player.configure("manifest.dash.manifestPreprocessorTXml", (mpd: shaka.extern.xml.Node) => this.prepare(mpd));
    // Tries what the network refused again, also when the stream ends meanwhile, where Shaka's own way gives up.
    this.player.configure("streaming.failureCallback", (error: shaka.util.Error) => {
      if (isNetwork(error)) this.player.retryStreaming(retryS);
    });
    this.player.addEventListener("error", (event) => {
      const error = (event as unknown as { detail: shaka.util.Error }).detail;
      // A picture that stands still for long counts as broken, whatever it waits for.
      if (error.severity === shaka.util.Error.Severity.RECOVERABLE || isNetwork(error)) return;
      this.events.onBroken(new PlaybackError(`shaka-${error.code}`));
    });
    for (const name of ["trackschanged", "adaptation", "variantchanged"]) {
      this.player.addEventListener(name, () => this.events.onRenditions());
    }
    this.attached = this.player.attach(this.video);
    this.attached.catch(() => undefined); // load tells
  }

  async load(url: string, ended: boolean): Promise<void> {
    this.ended = ended;
    try {
      await this.attached;
      // For some seconds after the end the MPD is still dynamic, and Shaka starts a dynamic one where it ends.
      await this.player.load(url, ended ? 0 : null);
    } catch (error) {
      throw new PlaybackError(`shaka-${(error as shaka.util.Error).code ?? "load"}`);
    }
  }

  windowStart(): number {
    return this.player.seekRange().start;
  }

  liveEdge(): number {
    const end = this.end();
    return this.latency === "smooth" && this.isLive() ? end - smoothStartS : end;
  }

  end(): number {
    return this.player.seekRange().end;
  }

  isLive(): boolean {
    return this.player.isLive();
  }

  frameTime(): Date | undefined {
    // Not Shaka's own playhead time, which is never nearer to the live edge than it means to play, nor its start
    // date, which takes the producer's reference time for one of the presentation: it is one of the media.
    return this.start === undefined ? undefined : new Date(this.start + this.video.currentTime * 1000);
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

  strained(): void {
    this.edge?.strained(performance.now());
  }

  async destroy(): Promise<void> {
    await this.player.destroy();
  }

  /** Shaka asks for it when it loads. */
  private abr(): EdgeAbr {
    this.edge = new EdgeBandwidth(performance.now());
    return new EdgeAbr(this.edge);
  }

  /** Sees each MPD before Shaka does. */
  private prepare(mpd: shaka.extern.xml.Node): void {
    // Shaka would set the playback rate by it, against the latency controller.
    remove(mpd, "ServiceDescription");
    const now = this.clock.now();
    // What is known need not be asked for once more, before anything else.
    if (now !== undefined) {
      remove(mpd, "UTCTiming");
      mpd.children.push(utcTiming(mpd, new Date(now)));
    }
    if (this.start !== undefined) return;
    this.start = Date.parse(mpd.attributes["availabilityStartTime"] ?? "");
    // Below zero it counts from the newest position, which is where a stream that has ended must not begin.
    const live = mpd.attributes["type"] === "dynamic" && !this.ended;
    if (this.latency === "smooth" && live) this.player.updateStartTime(-smoothStartS);
  }
}
