import { expect, it } from "vitest";
import { plan, type EngineName, type Offered, type Sources } from "./choose";

const both = { dash: "/streams/2/manifest.mpd", hls: "/streams/2/master.m3u8" };

const scripts = { mediaSource: true, native: false };
const safari = { mediaSource: true, native: true };
const neither = { mediaSource: false, native: false };

it.each<[string, Sources, Offered, EngineName[]]>([
  ["DASH leads, HLS follows", both, scripts, ["shaka", "hls"]],
  ["a wish for DASH is kept", { ...both, protocol: "dash" }, scripts, ["shaka"]],
  ["a wish for HLS is kept", { ...both, protocol: "hls" }, scripts, ["hls"]],
  ["what is not there is not tried", { dash: "", hls: both.hls }, scripts, ["hls"]],
  ["Safari plays HLS by itself, and with a library when that fails", both, safari, ["native", "shaka", "hls"]],
  ["Safari plays DASH when it has to", { ...both, protocol: "dash" }, safari, ["shaka"]],
  ["without Media Source Extensions the browser plays", both, neither, ["native"]],
  ["a browser alone plays no DASH", { dash: both.dash, hls: "" }, neither, []],
  ["nothing to play", { dash: "", hls: "" }, scripts, []],
])("%s", (_name, sources, offered, want) => expect(plan(sources, offered)).toEqual(want));
