import { expect, it } from "vitest";
import { reachable } from "./origin";

it.each([
  [
    "behind a TLS proxy",
    "http://live.test/streams/1/manifest.mpd",
    "https://live.test",
    "https://live.test/streams/1/manifest.mpd",
  ],
  [
    "behind one that drops the port",
    "http://live.test/streams/1/manifest.mpd",
    "https://live.test:8443",
    "https://live.test:8443/streams/1/manifest.mpd",
  ],
  [
    "behind one that hides the host",
    "http://127.0.0.1:8080/streams/1/master.m3u8?a=1",
    "https://live.test",
    "https://live.test/streams/1/master.m3u8?a=1",
  ],
  [
    "without a proxy",
    "http://127.0.0.1:8080/streams/1/master.m3u8",
    "http://127.0.0.1:8080",
    "http://127.0.0.1:8080/streams/1/master.m3u8",
  ],
  [
    "by a public URL with TLS, from a page without",
    "https://live.test/streams/1/master.m3u8",
    "http://live.test",
    "http://live.test/streams/1/master.m3u8",
  ],
  [
    "on a host of its own",
    "https://cdn.test/streams/1/master.m3u8",
    "https://live.test",
    "https://cdn.test/streams/1/master.m3u8",
  ],
  [
    "on a host of its own, all without TLS",
    "http://cdn.test/streams/1/master.m3u8",
    "http://live.test",
    "http://cdn.test/streams/1/master.m3u8",
  ],
  ["that is not there yet", "", "https://live.test", ""],
  ["that is none", "http://[", "https://live.test", "http://["],
])("an address %s", (_name, url, page, want) => expect(reachable(url, `${page}/watch/1`)).toBe(want));
