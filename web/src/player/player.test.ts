import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ServerClock } from "./clock";
import { PlaybackError, type Engine, type EngineEvents } from "./engine";
import { Player, type PlayerState } from "./player";

/** What the player uses of a media element, with a playhead that follows the clock. */
class FakeVideo extends EventTarget {
  paused = true;
  muted = false;
  ended = false;
  seeking = false;
  playbackRate = 1;
  defaultPlaybackRate = 1;
  /** What play() is refused for: with sound, or whatever it is. */
  refuses: "nothing" | "sound" | "everything" = "nothing";
  /** The playhead stands still for want of media. */
  starved = false;
  private at = 0;
  private since = 0;

  get currentTime(): number {
    return this.at + (this.paused || this.starved ? 0 : (Date.now() - this.since) / 1000);
  }

  set currentTime(position: number) {
    this.at = position;
    this.since = Date.now();
  }

  get readyState(): number {
    return this.starved ? 1 : 4;
  }

  get seekable() {
    return { length: 1, start: () => 0, end: () => 1000 };
  }

  /** A chunk more than the reserve: nothing to make up for. */
  get buffered() {
    return { length: 1, start: () => 0, end: () => this.currentTime + 0.2 };
  }

  async play(): Promise<void> {
    if (this.refuses === "everything" || (this.refuses === "sound" && !this.muted))
      throw Object.assign(new Error(), { name: "NotAllowedError" });
    this.currentTime = this.at;
    this.paused = false;
  }

  pause(): void {
    this.at = this.currentTime;
    this.paused = true;
    this.dispatchEvent(new Event("pause"));
  }

  /** Sets the rate as WebKitGTK does: the element is unmuted by it, and then paused. */
  setRateWithSound(rate: number): void {
    this.playbackRate = rate;
    this.muted = false;
    this.dispatchEvent(new Event("volumechange"));
    this.dispatchEvent(new Event("ratechange"));
    this.pause();
  }

  starve(): void {
    this.at = this.currentTime;
    this.starved = true;
  }
}

class FakeEngine implements Engine {
  readonly protocol = "dash";
  live = true;
  destroyed = false;

  constructor(
    readonly name: string,
    private readonly video: FakeVideo,
    readonly events: EngineEvents,
    private readonly loads: () => Promise<void>,
  ) {}

  async load(): Promise<void> {
    await this.loads();
    this.video.currentTime = this.liveEdge();
  }

  end = () => Date.now() / 1000 - 1_000_000 + 100;
  liveEdge = () => this.end();
  isLive = () => this.live;
  frameTime = () => new Date(Date.now() - 400);
  renditions = () => [];
  select(): void {}

  async destroy(): Promise<void> {
    this.destroyed = true;
    this.video.starved = false;
    this.video.pause();
  }
}

const both = { dash: "manifest.mpd", hls: "master.m3u8" };

let video: FakeVideo;
let engines: FakeEngine[];
let states: PlayerState[];
let player: Player;
let loads: () => Promise<void>;

const engine = () => engines.at(-1) as FakeEngine;
const behind = () => engine().liveEdge() - video.currentTime;
const seconds = (n: number) => vi.advanceTimersByTimeAsync(n * 1000);

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_000 });
  vi.stubGlobal("MediaSource", class {});
  vi.stubGlobal("HTMLMediaElement", { HAVE_METADATA: 1, HAVE_CURRENT_DATA: 2, HAVE_FUTURE_DATA: 3 });
  video = new FakeVideo();
  engines = [];
  states = [];
  loads = async () => {};
  const events = { onState: (state: PlayerState) => void states.push(state), onRenditions: () => {} };
  player = new Player(new ServerClock(), events, async (name, _video, of) => {
    engines.push(new FakeEngine(name, video, of, () => loads()));
    return engine();
  });
  player.attach(video as unknown as HTMLVideoElement, { protocol: undefined, latency: "lowest" });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("loading", () => {
  it("plays", async () => {
    void player.load(both);
    await seconds(1);
    expect(states).toEqual(["loading", "playing"]);
    expect(engine().name).toBe("shaka");
  });

  it("plays the newest of two that are asked for at once, and nothing beside it", async () => {
    void player.load(both);
    await seconds(1);
    void player.load({ ...both, protocol: "dash" });
    void player.load({ ...both, protocol: "hls" });
    await seconds(5);
    expect(engines.filter(({ destroyed }) => !destroyed).map(({ name }) => name)).toEqual(["hls"]);
  });

  it("plays nothing when that is asked for while it loads", async () => {
    void player.load(both);
    await seconds(1);
    void player.load(both);
    void player.unload();
    await seconds(5);
    expect(engines.every(({ destroyed }) => destroyed)).toBe(true);
  });

  it("gives up a manifest that never comes, and tries the next engine", async () => {
    loads = () => new Promise(() => {});
    void player.load(both);
    await seconds(16);
    expect(engines.map(({ name, destroyed }) => [name, destroyed])).toEqual([
      ["shaka", true],
      ["hls", false],
    ]);
  });

  it("stops at once while a manifest does not come", async () => {
    loads = () => new Promise(() => {});
    void player.load(both);
    await seconds(1);
    await player.unload();
    expect(engine().destroyed).toBe(true);
  });
});

describe("the engine that stands by", () => {
  it("is made with the media element, and plays what comes", async () => {
    await seconds(1);
    expect(engines).toHaveLength(1);
    expect(states).toEqual([]);
    void player.load(both);
    await seconds(1);
    expect(engines).toHaveLength(1);
    expect(states).toEqual(["loading", "playing"]);
  });

  it.each([{ protocol: "hls" as const }, { latency: "smooth" as const }])(
    "makes room when %o is asked for",
    async (wish) => {
      void player.load({ ...both, ...wish });
      await seconds(1);
      expect(engines.map(({ destroyed }) => destroyed)).toEqual([true, false]);
    },
  );

  it("is made again when it broke", async () => {
    engine().events.onBroken(new PlaybackError("shaka-3016"));
    void player.load(both);
    await seconds(1);
    expect(engines.map(({ destroyed }) => destroyed)).toEqual([true, false]);
    expect(states).toEqual(["loading", "playing"]);
  });

  it("is made again when its code did not load", async () => {
    const on = { onState: (state: PlayerState) => void states.push(state), onRenditions: () => {} };
    let made = 0;
    player = new Player(new ServerClock(), on, async (name, _video, of) => {
      if (made++ === 0) throw new TypeError("Failed to fetch");
      return new FakeEngine(name, video, of, () => loads());
    });
    player.attach(video as unknown as HTMLVideoElement, { protocol: undefined, latency: "lowest" });
    await seconds(1);
    void player.load(both);
    await seconds(1);
    expect(made).toBe(2);
    expect(states).toEqual(["loading", "playing"]);
  });

  it("goes with the player", async () => {
    await player.destroy();
    expect(engine().destroyed).toBe(true);
  });
});

describe("trouble", () => {
  it("changes the engine when one breaks soon after each start", async () => {
    void player.load(both);
    for (let i = 0; i < 3; i++) {
      await seconds(3);
      engine().events.onBroken(new PlaybackError("shaka-3016"));
      await seconds(3);
    }
    expect(engines.map(({ name }) => name)).toEqual(["shaka", "hls", "shaka", "hls"]);
  });

  it("stays with an engine that held", async () => {
    void player.load(both);
    await seconds(20);
    engine().events.onBroken(new PlaybackError("shaka-3016"));
    await seconds(3);
    expect(engines.map(({ name }) => name)).toEqual(["shaka", "shaka"]);
  });

  it("takes a picture that stands still for long for broken", async () => {
    void player.load(both);
    await seconds(1);
    video.starve();
    await seconds(9);
    expect(states).toEqual(["loading", "playing"]);
    await seconds(3);
    expect(states).toEqual(["loading", "playing", "retrying", "loading", "playing"]);
  });

  /** Ends what there is to play some seconds after the playhead. */
  const endIn = (s: number) => {
    const end = video.currentTime + s;
    engine().end = () => end;
    engine().liveEdge = () => end - 2; // as where smoothness is asked for
  };

  it.each([
    { how: "the manifest says so", end: () => (engine().live = false) },
    { how: "the stream is over", end: () => player.finish() },
  ])("takes a picture that stands still just before the end for the last, when $how", async ({ end }) => {
    void player.load(both);
    await seconds(1);
    end();
    endIn(4);
    player.seek(video.currentTime); // a place of their own
    video.starve();
    await seconds(4);
    expect(states).toEqual(["loading", "playing"]);
    endIn(1);
    await seconds(1);
    expect(states).toEqual(["loading", "playing", "ended"]);
  });

  it("takes no picture for the last that moved while the page slept", async () => {
    void player.load(both);
    await seconds(1);
    player.finish();
    endIn(61);
    const { now } = performance;
    vi.spyOn(performance, "now").mockImplementation(() => now.call(performance) + 60_000);
    vi.setSystemTime(Date.now() + 60_000);
    await seconds(0.2);
    expect(states).toEqual(["loading", "playing"]);
  });

  it("does not begin anew when an engine breaks after the stream is over", async () => {
    void player.load(both);
    await seconds(1);
    player.finish();
    engine().events.onBroken(new PlaybackError("shaka-1001"));
    await seconds(5);
    expect(states).toEqual(["loading", "playing", "ended"]);
    expect(engines).toHaveLength(1);
  });

  it("takes nothing that is loaded later for over", async () => {
    void player.load(both);
    await seconds(1);
    player.finish();
    void player.load(both);
    await seconds(1);
    video.starve();
    await seconds(5);
    expect(states.slice(-1)).toEqual(["playing"]);
  });

  it("leaves a viewer who paused alone", async () => {
    void player.load(both);
    await seconds(1);
    video.pause();
    await seconds(30);
    expect(states).toEqual(["loading", "playing"]);
    engine().events.onBroken(new PlaybackError("shaka-1001"));
    await seconds(5);
    expect(engines).toHaveLength(2);
    expect(video.paused).toBe(true);
  });
});

describe("a network that is away for long", () => {
  let page: EventTarget;
  let errors: number;

  beforeEach(async () => {
    page = new EventTarget();
    vi.stubGlobal("window", page);
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    void player.load(both);
    await seconds(20);
    errors = 0;
    loads = async () => {
      errors++;
      throw new PlaybackError("shaka-1002");
    };
    engine().events.onBroken(new PlaybackError("shaka-1002"));
    await seconds(180);
  });

  const back = () => (loads = async () => {});

  it("is said once, while tries go on, few by then", async () => {
    expect(states.filter((state) => state === "failed").length).toBeGreaterThan(0);
    expect(states.at(-1)).toBe("failed");
    const before = errors;
    await seconds(300);
    expect(errors - before).toBeGreaterThan(5);
    expect(errors - before).toBeLessThan(16);
    expect(states.slice(states.indexOf("failed"))).not.toContain("loading");
  });

  it("comes back unannounced", async () => {
    back();
    await seconds(45);
    expect(states.at(-1)).toBe("playing");
    expect(behind()).toBeLessThan(2);
  });

  it("comes back at once when the browser says that it is online", async () => {
    back();
    page.dispatchEvent(new Event("online"));
    await seconds(1);
    expect(states.at(-1)).toBe("playing");
  });

  it("is not asked any more once the page plays nothing", async () => {
    await player.unload();
    const before = errors;
    await seconds(300);
    expect(errors).toBe(before);
  });
});

describe("a browser that plays HLS without our help", () => {
  const native = { ...both, protocol: "hls" as const };

  beforeEach(() => {
    vi.stubGlobal("navigator", { vendor: "Apple Computer, Inc." });
  });

  it("makes room within ten seconds when it loads nothing", async () => {
    loads = () => (engine().name === "native" ? new Promise(() => {}) : Promise.resolve());
    void player.load(native);
    await seconds(11);
    expect(engines.map(({ name }) => name).slice(-2)).toEqual(["native", "hls"]);
    expect(states.at(-1)).toBe("playing");
  });

  it("makes room within ten seconds when it shows nothing", async () => {
    void player.load(native);
    await seconds(0);
    video.starve();
    await seconds(11);
    expect(engine().name).toBe("hls");
  });

  it("makes room within ten seconds when it says that a stream has ended that goes on", async () => {
    void player.load(native);
    await seconds(20);
    video.pause();
    video.ended = true;
    engine().live = false;
    await seconds(5);
    video.ended = false;
    await seconds(5);
    expect(states).not.toContain("ended");
    expect(engine().name).toBe("hls");
    expect(states.at(-1)).toBe("playing");
  });

  it("says so where it says that nothing else plays, and goes on trying", async () => {
    Reflect.deleteProperty(globalThis, "MediaSource");
    loads = () => Promise.reject(new PlaybackError("native-4"));
    void player.load(native);
    await seconds(20);
    expect(states.at(-1)).toBe("failed");
    loads = () => Promise.resolve();
    await seconds(20);
    expect(states.at(-1)).toBe("playing");
  });

  it("is believed when the server says so, too", async () => {
    void player.load(native);
    await seconds(5);
    player.finish();
    video.pause();
    video.ended = true;
    await seconds(1);
    expect(states.at(-1)).toBe("ended");
  });

  it("is believed when it plays what is left of a stream that has ended", async () => {
    void player.load({ ...native, ended: true });
    await seconds(5);
    engine().live = false;
    video.pause();
    video.ended = true;
    await seconds(1);
    expect(states.at(-1)).toBe("ended");
  });
});

describe("a browser that unmutes and pauses by a change of the rate", () => {
  beforeEach(async () => {
    video.muted = true;
    player.attach(video as unknown as HTMLVideoElement, { protocol: undefined, latency: "lowest" });
    void player.load(both);
    await seconds(5);
  });

  it("plays on muted, and its rate is left alone", async () => {
    video.setRateWithSound(1.07);
    await seconds(5);
    expect([video.paused, video.muted, video.playbackRate]).toEqual([false, true, 1]);
    video.currentTime -= 0.8; // something to make up for
    await seconds(3);
    expect(video.playbackRate).toBe(1);
  });

  it("shows a button when it does not go on, and plays once that is pressed", async () => {
    video.refuses = "everything";
    video.setRateWithSound(1.07);
    await seconds(30);
    expect(states.at(-1)).toBe("blocked");
    video.refuses = "nothing";
    player.resume();
    await seconds(1);
    expect(states.at(-1)).toBe("playing");
  });

  it("is paused by its viewer, and unmuted", async () => {
    player.mute(false);
    video.playbackRate = 1.07;
    video.dispatchEvent(new Event("volumechange"));
    video.dispatchEvent(new Event("ratechange"));
    await seconds(1);
    expect(video.muted).toBe(false);
    player.pause();
    await seconds(5);
    expect(video.paused).toBe(true);
  });
});

describe("a browser that refuses to play", () => {
  it("with sound gets a muted picture", async () => {
    video.refuses = "sound";
    void player.load(both);
    await seconds(1);
    expect(states).toEqual(["loading", "playing"]);
    expect(video.muted).toBe(true);
  });

  it("at all waits for the viewer, for as long as it takes", async () => {
    video.refuses = "everything";
    void player.load(both);
    await seconds(1);
    video.currentTime += 1; // the library moves the playhead
    await seconds(60);
    expect(states).toEqual(["loading", "blocked"]);
    video.refuses = "nothing";
    player.resume();
    await seconds(1);
    expect(states.at(-1)).toBe("playing");
    expect(behind()).toBeLessThan(2);
  });
});

describe("the live edge", () => {
  beforeEach(async () => {
    void player.load(both);
    await seconds(5);
  });

  it("is kept to after a short pause", async () => {
    video.pause();
    await seconds(2);
    player.resume();
    await seconds(1);
    video.currentTime -= 10; // as after a stall
    await seconds(5);
    expect(behind()).toBeLessThan(1);
  });

  it("is left by a long pause", async () => {
    video.pause();
    await seconds(20);
    player.resume();
    await seconds(10);
    expect(behind()).toBeGreaterThan(19);
    expect(player.atLiveEdge).toBe(false);
  });

  it("is left by going back, and come back to", async () => {
    player.seek(video.currentTime - 30);
    await seconds(10);
    expect(behind()).toBeGreaterThan(29);
    player.goLive();
    await seconds(1);
    expect(player.atLiveEdge).toBe(true);
  });

  it("is not where a stream that has ended goes on", async () => {
    engine().live = false;
    video.currentTime = 10;
    player.goLive();
    await seconds(1);
    expect(video.currentTime).toBeCloseTo(11, 0);
    video.pause();
    player.resume();
    await seconds(1);
    expect(video.currentTime).toBeCloseTo(12, 0);
  });
});
