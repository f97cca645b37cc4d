import { describe, expect, it } from "vitest";
import { explain } from "./media-errors";

describe("a camera that does not start", () => {
  it.each([
    ["NotAllowedError", "Camera and microphone are blocked"],
    ["NotFoundError", "No camera or microphone found"],
    ["NotReadableError", "The camera or microphone is busy"],
    ["OverconstrainedError", "The chosen device is not available"],
    ["SomethingNew", "The camera did not start"],
  ])("%s: %s", (name, title) => {
    const said = explain({ name }, "camera", true);
    expect(said.title).toBe(title);
    expect(said.advice).toMatch(/\.$/);
  });

  it("says when the address is the reason", () => {
    expect(explain(undefined, "camera", false).advice).toContain("HTTPS");
  });
});

it.each([
  ["NotAllowedError", "No screen was shared"],
  ["NotSupportedError", "The screen cannot be shared"],
])("a screen, %s: %s", (name, title) => expect(explain({ name }, "screen", true).title).toBe(title));
