import { expect, it } from "vitest";
import type { Quality } from "../api/streams";
import { cameraConstraints } from "./devices";

it.each<[Quality, number, number]>([
  ["360", 640, 360],
  ["480", 854, 480],
  ["720", 1280, 720],
  ["1080", 1920, 1080],
])("%sp asks for %d×%d", (quality, width, height) => {
  expect(cameraConstraints(quality)).toEqual({
    width: { ideal: width },
    height: { ideal: height },
    frameRate: { ideal: 30 },
  });
});

it("insists on a chosen camera", () => {
  expect(cameraConstraints("720", "abc")).toMatchObject({ deviceId: { exact: "abc" } });
});
