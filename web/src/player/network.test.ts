import { beforeEach, describe, expect, it, vi } from "vitest";
import { PlaybackError } from "./engine";
import { behind, both, eachWithPlayer, engine, network, player, seconds, states } from "./fakes";

eachWithPlayer();

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
    network.loads = async () => {
      errors++;
      throw new PlaybackError("shaka-1002");
    };
    engine().events.onBroken(new PlaybackError("shaka-1002"));
    await seconds(180);
  });

  const back = () => (network.loads = async () => {});

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
