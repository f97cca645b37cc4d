import { beforeEach, describe, expect, it, vi } from "vitest";
import { PlaybackError } from "./engine";
import { behind, both, eachWithPlayer, engine, engines, network, player, seconds, states, video } from "./fakes";

eachWithPlayer();

describe("a browser that plays HLS without our help", () => {
  const native = { ...both, protocol: "hls" as const };

  beforeEach(() => {
    vi.stubGlobal("navigator", { vendor: "Apple Computer, Inc." });
  });

  it("makes room within ten seconds when it loads nothing", async () => {
    network.loads = () => (engine().name === "native" ? new Promise(() => {}) : Promise.resolve());
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
    network.loads = () => Promise.reject(new PlaybackError("native-4"));
    void player.load(native);
    await seconds(20);
    expect(states.at(-1)).toBe("failed");
    network.loads = () => Promise.resolve();
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

  it("plays on muted, also after a library held playback, which leaves the sound alone", async () => {
    for (const rate of [0, 1]) {
      video.playbackRate = rate;
      video.dispatchEvent(new Event("ratechange"));
      await seconds(0.6);
    }
    video.setRateWithSound(1.07);
    await seconds(5);
    expect([video.paused, video.muted, video.playbackRate]).toEqual([false, true, 1]);
  });

  it("is told from one whose viewer unmutes by controls of its own", async () => {
    for (const rate of [1.07, 1.05]) {
      video.playbackRate = rate;
      video.dispatchEvent(new Event("ratechange"));
      await seconds(0.6);
    }
    video.muted = false;
    video.dispatchEvent(new Event("volumechange"));
    await seconds(5);
    expect(video.muted).toBe(false);
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
