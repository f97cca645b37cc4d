import { expect, it } from "vitest";
import { plan, type EngineName, type Sources } from "./choose";

const both = { dash: "/streams/2/manifest.mpd", hls: "/streams/2/master.m3u8" };

it.each<[string, Sources, boolean, EngineName[]]>([
  ["DASH leads, HLS follows", both, true, ["shaka", "hls"]],
  ["a wish for DASH is kept", { ...both, protocol: "dash" }, true, ["shaka"]],
  ["a wish for HLS is kept", { ...both, protocol: "hls" }, true, ["hls"]],
  ["what is not there is not tried", { dash: "", hls: both.hls }, true, ["hls"]],
  ["without Media Source Extensions the browser plays", both, false, ["native"]],
  ["a browser alone plays no DASH", { dash: both.dash, hls: "" }, false, []],
  ["nothing to play", { dash: "", hls: "" }, true, []],
])("%s", (_name, sources, mediaSource, want) => expect(plan(sources, mediaSource)).toEqual(want));
