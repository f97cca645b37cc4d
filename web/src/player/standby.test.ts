import { describe, expect, it } from "vitest";
import { ServerClock } from "./clock";
import { PlaybackError } from "./engine";
import { both, eachWithPlayer, engine, engines, FakeEngine, network, player, seconds, states, video } from "./fakes";
import { Player, type PlayerState } from "./player";

eachWithPlayer();

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
    const player = new Player(new ServerClock(), on, async (name, _video, of) => {
      if (made++ === 0) throw new TypeError("Failed to fetch");
      return new FakeEngine(name, video, of, () => network.loads());
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
