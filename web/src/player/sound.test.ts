import { describe, expect, it } from "vitest";
import { SoundPolicy } from "./sound";

describe("an element that is muted", () => {
  it("is muted again when a change of the rate unmuted it, and plays on", () => {
    const sound = new SoundPolicy(true);
    sound.rated(true, 5000);
    expect(sound.changed(false, 5002)).toBe(true);
    expect(sound.paused(5060)).toBe(true);
  });

  it("is muted again each time", () => {
    const sound = new SoundPolicy(true);
    sound.rated(true, 5000);
    sound.changed(false, 5002);
    sound.changed(true, 5003);
    sound.rated(true, 9000);
    expect(sound.changed(false, 9002)).toBe(true);
  });

  it("is unmuted by the page, whatever the rate does", () => {
    const sound = new SoundPolicy(true);
    sound.rated(true, 5000);
    sound.set(false);
    expect(sound.changed(false, 5002)).toBe(false);
    expect(sound.paused(5060)).toBe(false);
  });

  it("is unmuted by the browser's own controls", () => {
    const sound = new SoundPolicy(true);
    sound.rated(true, 5000);
    expect(sound.changed(false, 8000)).toBe(false);
    sound.rated(true, 9000);
    expect(sound.changed(false, 9001)).toBe(false);
  });

  it("is unmuted by the browser's own controls, just when the rate changes, where that changed no sound before", () => {
    const sound = new SoundPolicy(true);
    for (const at of [5000, 5900, 6800]) sound.rated(true, at);
    expect(sound.changed(false, 6801)).toBe(false);
    expect(sound.paused(6860)).toBe(false);
  });

  it("is muted again though the rate changed before there were frames", () => {
    const sound = new SoundPolicy(true);
    sound.rated(false, 1000);
    sound.rated(true, 5000);
    expect(sound.changed(false, 5002)).toBe(true);
  });

  it("is paused by media keys", () => {
    const sound = new SoundPolicy(true);
    sound.rated(true, 5000);
    expect(sound.paused(5001)).toBe(false);
  });
});
