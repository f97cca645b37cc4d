import Hls, { type MediaFragment, type Part } from "hls.js";
import { expect, it } from "vitest";
import { loadEveryPart } from "./everypart";

const hls = new Hls();
loadEveryPart(Hls, hls);

/** A segment of two seconds, of which hls.js has parsed 1.8 s by parts or as a whole; whether its last part is loaded. */
function parsed({ loaded, asParts }: { loaded: boolean; asParts: boolean }) {
  const [before, frag, after] = [1, 2, 3].map((sn) => ({
    sn,
    start: 2 * sn,
    duration: sn === 2 ? 1.8 : 2,
    elementaryStreams: { audio: null, video: { partial: !(sn === 2 && !loaded && asParts) }, audiovideo: null },
    setDuration(duration: number) {
      this.duration = duration;
    },
  })) as unknown as MediaFragment[];
  const fragments = [before, frag, after];
  const partList = [{ fragment: frag, loaded, end: 6 }] as unknown as Part[];
  const part = asParts ? partList[0] : null;
  hls.trigger(Hls.Events.LEVEL_PTS_UPDATED, { details: { fragments, partList }, frag, part } as never);
  return { fragments, partList, before, frag, after };
}

it("gives a segment with parts to load its end back, and has hls.js look for them", () => {
  const { fragments, before, frag, after } = parsed({ loaded: false, asParts: true });
  expect(frag).toMatchObject({ endPTS: 6, minEndPTS: 6, duration: 2, elementaryStreams: { video: { partial: true } } });
  expect(fragments[1]).toEqual(frag);
  expect(fragments[1]).not.toBe(frag);
  expect([fragments[0], fragments[2]]).toEqual([before, after]);
});

it.each([
  { loaded: true, asParts: true },
  { loaded: false, asParts: false },
])("leaves a segment that is loaded as it is: %o", (how) => {
  const { fragments, frag } = parsed(how);
  expect(fragments[1]).toBe(frag);
  expect(frag).toMatchObject({ duration: 1.8, elementaryStreams: { video: { partial: false } } });
});

it("takes a segment for whole when its last part is parsed, also where an equal object stands in its place", () => {
  const { frag, fragments, partList } = parsed({ loaded: false, asParts: true });
  const part = { ...partList[0], loaded: true } as Part;
  hls.trigger(Hls.Events.LEVEL_PTS_UPDATED, { details: { fragments, partList: [part] }, frag, part } as never);
  expect(fragments[1]).toMatchObject({ endPTS: 6, duration: 2, elementaryStreams: { video: { partial: false } } });
});

it("leaves a segment as it is whose parts are listed no more", () => {
  const { frag, fragments, partList } = parsed({ loaded: false, asParts: true });
  const part = partList[0] as Part;
  hls.trigger(Hls.Events.LEVEL_PTS_UPDATED, { details: { fragments, partList: [] }, frag, part } as never);
  expect(frag).toMatchObject({ elementaryStreams: { video: { partial: true } } });
});
