import { beforeEach, describe, expect, it, vi } from "vitest";
import { PlaybackError } from "./engine";
import { behind, both, eachWithPlayer, engine, engines, network, player, seconds, states, video } from "./fakes";

eachWithPlayer();

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
    network.loads = () => new Promise(() => {});
    void player.load(both);
    await seconds(16);
    expect(engines.map(({ name, destroyed }) => [name, destroyed])).toEqual([
      ["shaka", true],
      ["hls", false],
    ]);
  });

  it("stops at once while a manifest does not come", async () => {
    network.loads = () => new Promise(() => {});
    void player.load(both);
    await seconds(1);
    await player.unload();
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
