import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Stream } from "../api/streams";
import { replayLeft } from "./replay";

const stream = { dash_url: "/manifest.mpd", hls_url: "/master.m3u8" } as Stream;
const unreachable = () => Promise.reject(new TypeError("Failed to fetch"));
const answer = (status: number) => () => Promise.resolve(new Response(null, { status }));

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it.each([
  ["there", [answer(200)], true],
  ["gone", [answer(404)], false],
  ["asked for again while the network is away", [unreachable, unreachable, answer(200)], true],
  ["asked for again while the server is busy", [answer(503), answer(429), answer(404)], false],
])("what is left is %s", async (_name, answers, want) => {
  vi.stubGlobal("fetch", () => (answers.shift() ?? unreachable)());
  const left = replayLeft(stream, new AbortController().signal);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await left).toBe(want);
});

it("is not asked for any more once it does not matter", async () => {
  const fetched = vi.fn(unreachable);
  vi.stubGlobal("fetch", fetched);
  const stop = new AbortController();
  const left = replayLeft(stream, stop.signal);
  await vi.advanceTimersByTimeAsync(1000);
  stop.abort();
  expect(await left).toBe(false);
  expect(fetched).toHaveBeenCalledOnce();
});
