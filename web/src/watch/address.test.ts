import { expect, it } from "vitest";
import { parseAddress } from "./address";

it.each([
  ["/watch/12", "", "12", undefined],
  ["/watch/12", "?latency=low", "12", undefined],
  ["/watch/my-first-stream/", "", "my-first-stream", undefined],
  ["/watch/caf%C3%A9", "", "café", undefined],
  ["/watch/%zz", "", "%zz", undefined],
  ["/watch/", "", "", undefined],
  ["/watch/12", "?protocol=hls", "12", "hls"],
  ["/watch/12", "?protocol=dash&x=1", "12", "dash"],
  ["/watch/12", "?protocol=rtmp", "12", undefined],
])("%s%s asks for %j over %j", (path, query, ref, protocol) => {
  expect(parseAddress(path, query)).toEqual({ ref, protocol, latency: "lowest" });
});

it("asks for smooth playback by name", () => {
  expect(parseAddress("/watch/12", "?protocol=hls&latency=smooth")).toEqual({
    ref: "12",
    protocol: "hls",
    latency: "smooth",
  });
});
