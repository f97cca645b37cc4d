import { expect, test } from "vitest";
import { endForShaka } from "./shakaend.js";

function mpd(type: string, start: string, end?: string) {
  const attributes: Record<string, string> = end === undefined ? { type } : { type, mediaPresentationDuration: end };
  return {
    tagName: "MPD",
    attributes,
    parent: null,
    children: [{ tagName: "Period", attributes: { start }, children: [], parent: null }],
  };
}

test("the end of a stream that was watched is counted from its first segment", () => {
  const see = endForShaka();
  see(mpd("dynamic", "PT1M10S"));
  const ended = mpd("static", "PT1M10S", "PT1H2M33.5S");
  see(ended);
  expect(ended.attributes["mediaPresentationDuration"]).toBe("PT3683.5S");
});

test("that of a stream which had ended before is left alone", () => {
  const ended = mpd("static", "PT1M10S", "PT2M");
  endForShaka()(ended);
  expect(ended.attributes["mediaPresentationDuration"]).toBe("PT2M");
});
