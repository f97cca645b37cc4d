import { ServerClock } from "../player/clock";
import { openAudioDevice } from "../player/device";
import type { Sources, Wish } from "../player/choose";
import type { Rendition } from "../player/engine";
import { fetchAhead } from "./ahead";
import { Muting } from "./muting";
import { Player, type PlayerState } from "../player/player";

const measureMs = 500;
/** Clocks are set, and run apart. */
const syncMs = 5 * 60_000;
const seekStep = 5;
const volumeStep = 0.1;
const volumeSlot = "sluice.volume";

/** The player as the page shows it: a mirror of the media element and of the engine. */
export class View {
  state = $state<PlayerState>("idle");
  /** Why playback broke last, for support. */
  code = $state<string>();
  paused = $state(true);
  muted = $state(true);
  volume = $state(loadVolume());
  waiting = $state(false);
  atEdge = $state(false);
  latency = $state<number>();
  position = $state(0);
  range = $state.raw({ start: 0, end: 0 });
  renditions = $state.raw<Rendition[]>([]);
  selected = $state<number>();
  using = $state.raw<{ protocol: string; name: string }>();
  size = $state.raw({ width: 0, height: 0 });

  private readonly clock = new ServerClock(fetchAhead);
  private readonly player: Player;
  private readonly muting = new Muting(openAudioDevice, (muted) => this.player.mute(muted));
  private video: HTMLVideoElement | undefined;

  constructor() {
    this.player = new Player(this.clock, {
      onState: (state, code) => {
        this.state = state;
        if (code) this.code = code;
        this.readRenditions();
      },
      onRenditions: () => this.readRenditions(),
    });
  }

  /** Mirrors a media element for as long as it is on the page. */
  attach(video: HTMLVideoElement, wish: Wish): () => void {
    this.video = video;
    video.volume = this.volume;
    this.player.attach(video, wish);
    const stop = new AbortController();
    const on = (names: string[], read: () => void) => {
      for (const name of names) video.addEventListener(name, read, { signal: stop.signal });
    };
    on(["play", "pause", "ended"], () => (this.paused = video.paused));
    on(["volumechange"], () => this.readVolume(video));
    on(["waiting"], () => (this.waiting = true));
    on(["playing", "timeupdate", "emptied"], () => (this.waiting = false));
    // Roughly to begin with, which was asked for ahead; well once the picture is there, which goes first.
    void this.clock.sync(1);
    video.addEventListener("playing", () => void this.clock.sync(), { once: true, signal: stop.signal });
    const timers = [
      setInterval(() => this.measure(video), measureMs),
      setInterval(() => void this.clock.sync(), syncMs),
    ];
    return () => {
      stop.abort();
      timers.forEach(clearInterval);
      void this.player.destroy();
    };
  }

  load(sources: Sources): void {
    this.code = undefined;
    void this.player.load(sources);
  }

  finish(): void {
    this.player.finish();
  }

  unload(): void {
    void this.player.unload().then(() => (this.state = "idle"));
  }

  togglePlay(): void {
    if (!this.video) return;
    if (this.video.paused) this.player.resume();
    else this.player.pause();
  }

  toggleMute(): void {
    if (!this.video) return;
    if (this.muted && this.video.volume === 0) this.video.volume = 0.5;
    void this.mute(!this.muted);
  }

  setVolume(volume: number): void {
    if (!this.video) return;
    this.video.volume = Math.min(1, Math.max(0, volume));
    void this.mute(this.video.volume === 0);
  }

  private async mute(muted: boolean): Promise<void> {
    if (!this.video) return;
    this.muted = muted;
    await this.muting.ask(muted, this.video.muted);
  }

  louder(sign: 1 | -1): void {
    this.setVolume((this.muted ? 0 : this.volume) + sign * volumeStep);
  }

  goLive(): void {
    this.player.goLive();
  }

  seek(position: number): void {
    this.player.seek(position);
  }

  skip(sign: 1 | -1): void {
    if (this.video) this.player.seek(this.video.currentTime + sign * seekStep);
  }

  select(height: number | undefined): void {
    this.player.select(height);
    this.selected = height;
  }

  private measure(video: HTMLVideoElement): void {
    this.position = video.currentTime;
    this.range = this.player.window();
    this.atEdge = this.player.atLiveEdge;
    this.latency = this.player.latency();
    this.using = this.player.using;
    this.size = { width: video.videoWidth, height: video.videoHeight };
  }

  private readRenditions(): void {
    this.renditions = this.player.renditions();
    this.selected = this.player.selected;
  }

  private readVolume(video: HTMLVideoElement): void {
    this.muted = this.muting.shows(video.muted);
    this.volume = video.volume;
    try {
      localStorage.setItem(volumeSlot, String(video.volume));
    } catch {
      // Storage is switched off: the volume lasts as long as the page.
    }
  }
}

function loadVolume(): number {
  try {
    const stored = Number(localStorage.getItem(volumeSlot) ?? 1);
    return stored > 0 && stored <= 1 ? stored : 1;
  } catch {
    return 1;
  }
}
