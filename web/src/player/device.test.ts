import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { openAudioDevice } from "./device";

/** An audio context whose device plays from some time on (ms). */
let playsFrom: number;
let closed: number;

class FakeContext {
  destination = {};
  createGain = () => ({ gain: { value: 1 }, connect: () => undefined });
  createConstantSource = () => ({ start: () => undefined, connect: (to: unknown) => to });
  get currentTime(): number {
    return Math.max(0, performance.now() - playsFrom) / 1000;
  }
  resume = () => (playsFrom === Infinity ? Promise.reject(new Error("refused")) : Promise.resolve());
  close = async () => void closed++;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("AudioContext", FakeContext);
  closed = 0;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** How long the opening of a device takes, in ms. */
async function opening(after: number): Promise<number> {
  const begun = performance.now();
  playsFrom = begun + after;
  let took = -1;
  void openAudioDevice().then(() => (took = performance.now() - begun));
  await vi.advanceTimersByTimeAsync(10_000);
  return took;
}

it.each([
  ["plays at once", 0, 40],
  ["takes its time", 700, 740],
  ["is late", 5000, 1540],
  ["is refused", Infinity, 1540],
])("waits for a device that %s", async (_name, after, most) => {
  const took = await opening(after);
  expect(took).toBeGreaterThanOrEqual(Math.min(after, 1500));
  expect(took).toBeLessThanOrEqual(most);
  expect(closed).toBe(1);
});

it("does without where there is none", async () => {
  vi.stubGlobal("AudioContext", undefined);
  Reflect.deleteProperty(globalThis, "AudioContext");
  await openAudioDevice();
});
