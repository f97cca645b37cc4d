import { afterEach, beforeEach, expect, it, vi } from "vitest";

const early = (answer: Promise<Response>) => vi.stubGlobal("asked", new Map([["/time", answer]]));
const text = async (answer: Promise<Response>) => (await answer).text();

beforeEach(() => {
  vi.resetModules();
  vi.stubGlobal("fetch", async () => new Response("asked now"));
});

afterEach(() => vi.unstubAllGlobals());

it("gives an answer that was asked for ahead, once", async () => {
  early(Promise.resolve(new Response("asked ahead")));
  const { fetchAhead } = await import("./ahead");
  expect(await text(fetchAhead("/time"))).toBe("asked ahead");
  expect(await text(fetchAhead("/time"))).toBe("asked now");
});

it("asks again where that failed, and for everything else", async () => {
  early(Promise.reject(new TypeError("Failed to fetch")));
  const { fetchAhead } = await import("./ahead");
  expect(await text(fetchAhead("/time"))).toBe("asked now");
  expect(await text(fetchAhead("/v1/streams/1"))).toBe("asked now");
});

it("does without the script that asks ahead", async () => {
  const { fetchAhead } = await import("./ahead");
  expect(await text(fetchAhead("/time"))).toBe("asked now");
});
