import Hls, { type MediaFragment, type Part } from "hls.js";
import { expect, it } from "vitest";
import { loadEveryPart } from "./hls";

const hls = new Hls();
loadEveryPart(hls);

/** A segment of two seconds, of which hls.js has parsed 1.6 s; whether its last part is loaded. */
function parsed(loaded: boolean) {
  const [before, frag, after] = [1, 2, 3].map((sn) => ({
    sn,
    start: 2 * sn,
    duration: sn === 2 ? 1.6 : 2,
    setDuration(duration: number) {
      this.duration = duration;
    },
  })) as unknown as MediaFragment[];
  const fragments = [before, frag, after];
  const partList = [{ fragment: frag, loaded, end: 6 }] as unknown as Part[];
  hls.trigger(Hls.Events.LEVEL_PTS_UPDATED, { details: { fragments, partList }, frag } as never);
  return { fragments, before, frag, after };
}

it("gives a segment with parts to load its end back, and has hls.js look for them", () => {
  const { fragments, before, frag, after } = parsed(false);
  expect(frag).toMatchObject({ endPTS: 6, minEndPTS: 6, duration: 2 });
  expect(fragments[1]).toEqual(frag);
  expect(fragments[1]).not.toBe(frag);
  expect([fragments[0], fragments[2]]).toEqual([before, after]);
});

it("leaves a segment that is loaded as it is", () => {
  const { fragments, frag } = parsed(true);
  expect(fragments[1]).toBe(frag);
  expect(frag).toMatchObject({ duration: 1.6 });
});
