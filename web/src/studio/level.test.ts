import { expect, it } from "vitest";
import { meter } from "./level";

const tone = (amplitude: number) => Float32Array.from({ length: 512 }, (_, i) => amplitude * Math.sin(i));

it.each([
  ["silence", tone(0), 0, 0],
  ["noise below the floor", tone(0.001), 0, 0],
  ["a quiet voice", tone(0.03), 0.3, 0.5],
  ["a loud voice", tone(0.5), 0.8, 0.9],
  ["beyond full scale", tone(3), 1, 1],
  ["nothing", new Float32Array(), 0, 0],
])("%s", (_name, samples, least, most) => {
  const level = meter(samples);
  expect(level).toBeGreaterThanOrEqual(least);
  expect(level).toBeLessThanOrEqual(most);
});
