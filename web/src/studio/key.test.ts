import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { keyStore } from "./key";

/** A browser's storage, as far as keys go. */
function storage() {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (slot: string) => kept.get(slot) ?? null,
    setItem: (slot: string, value: string) => void kept.set(slot, value),
    removeItem: (slot: string) => void kept.delete(slot),
  };
}

let tab: ReturnType<typeof storage>;
let browser: ReturnType<typeof storage>;

beforeEach(() => {
  vi.stubGlobal("sessionStorage", (tab = storage()));
  vi.stubGlobal("localStorage", (browser = storage()));
});
afterEach(() => vi.unstubAllGlobals());

it("keeps a key for as long as its tab", () => {
  keyStore.save("sluice_a", false);
  expect(keyStore.load()).toBe("sluice_a");
  expect([tab.kept.size, browser.kept.size]).toEqual([1, 0]);
});

it("keeps a key in the browser where that is asked for", () => {
  keyStore.save("sluice_a", true);
  expect(keyStore.load()).toBe("sluice_a");
  expect([tab.kept.size, browser.kept.size]).toEqual([0, 1]);
});

it("knows a key that an earlier version kept", () => {
  browser.kept.set("sluice.key", "sluice_old");
  expect(keyStore.load()).toBe("sluice_old");
});

it("keeps one key only, and forgets it", () => {
  keyStore.save("sluice_a", true);
  keyStore.save("sluice_b", false);
  expect([...tab.kept.values(), ...browser.kept.values()]).toEqual(["sluice_b"]);
  keyStore.forget();
  expect(keyStore.load()).toBeUndefined();
});

it("does without storage", () => {
  vi.stubGlobal("sessionStorage", undefined);
  vi.stubGlobal("localStorage", undefined);
  keyStore.save("sluice_a", true);
  keyStore.forget();
  expect(keyStore.load()).toBeUndefined();
});
