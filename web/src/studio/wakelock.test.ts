import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { WakeLock } from "./wakelock";

/** Locks that are held, as a browser gives them. */
let held: Set<object>;
let tab: EventTarget & { hidden: boolean };
let request: () => Promise<unknown>;

const settle = () => new Promise((resolve) => setTimeout(resolve));

beforeEach(() => {
  held = new Set();
  tab = Object.assign(new EventTarget(), { hidden: false });
  request = async () => {
    const lock = {
      released: false,
      async release() {
        this.released = true;
        held.delete(this);
      },
    };
    held.add(lock);
    return lock;
  };
  vi.stubGlobal("document", tab);
  vi.stubGlobal("navigator", { wakeLock: { request: () => request() } });
});
afterEach(() => vi.unstubAllGlobals());

/** Hides the page, by which the browser takes back what it gave, or shows it. */
async function show(visible: boolean) {
  tab.hidden = !visible;
  if (!visible) for (const lock of held) await (lock as { release(): Promise<void> }).release();
  tab.dispatchEvent(new Event("visibilitychange"));
  await settle();
}

it("is held while it is wanted, and again when the page is seen again", async () => {
  const lock = new WakeLock();
  lock.set(true);
  await settle();
  expect(held.size).toBe(1);
  await show(false);
  expect(held.size).toBe(0);
  await show(true);
  expect(held.size).toBe(1);
  lock.set(false);
  await settle();
  expect(held.size).toBe(0);
  await show(true);
  expect(held.size).toBe(0);
});

it("is given back when it came too late", async () => {
  const lock = new WakeLock();
  lock.set(true);
  lock.set(false);
  await settle();
  expect(held.size).toBe(0);
});

it("is asked for again after it was refused", async () => {
  const grant = request;
  request = () => Promise.reject(new DOMException("low battery", "NotAllowedError"));
  const lock = new WakeLock();
  lock.set(true);
  await settle();
  request = grant;
  await show(true);
  expect(held.size).toBe(1);
});

it("is done without where there is none", async () => {
  vi.stubGlobal("navigator", {});
  const lock = new WakeLock();
  lock.set(true);
  await settle();
  lock.set(false);
});
