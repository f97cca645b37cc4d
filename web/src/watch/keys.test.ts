import { describe, expect, it } from "vitest";
import { action, type Focus, type Press } from "./keys";

const press = (key: string, held: Partial<Press> = {}): Press => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...held,
});

describe("keys", () => {
  it.each<[string, Focus, string | undefined]>([
    [" ", "page", "toggle-play"],
    ["m", "page", "toggle-mute"],
    ["M", "page", "toggle-mute"],
    ["f", "button", "toggle-fullscreen"],
    ["l", "slider", "go-live"],
    ["ArrowLeft", "page", "back"],
    ["ArrowRight", "button", "forward"],
    ["ArrowUp", "page", "louder"],
    ["x", "page", undefined],
    // Whatever has the focus keeps the keys that it uses itself.
    [" ", "button", undefined],
    ["ArrowUp", "slider", undefined],
    ["ArrowDown", "menu", undefined],
    [" ", "menu", undefined],
    ["m", "menu", "toggle-mute"],
  ])("%j with the focus on the %s: %s", (key, focus, want) => expect(action(press(key), focus)).toBe(want));

  it.each(["ctrlKey", "metaKey", "altKey"] as const)("leaves shortcuts with %s to the browser", (held) => {
    expect(action(press("l", { [held]: true }), "page")).toBeUndefined();
  });
});
