import Hls, { type MediaFragment } from "hls.js";
import { expect, it } from "vitest";
import { loadEveryPart } from "./hls";

it("hands hls.js an equal segment in place of the one it was at", () => {
  const hls = new Hls();
  loadEveryPart(hls);
  const [before, frag, after] = [1, 2, 3].map((sn) => ({ sn, start: 2 * sn })) as unknown as MediaFragment[];
  const fragments = [before, frag, after];
  const update = { details: { fragments }, frag } as never;
  hls.trigger(Hls.Events.LEVEL_PTS_UPDATED, update);

  expect(fragments[1]).toEqual(frag);
  expect(fragments[1]).not.toBe(frag);
  expect([fragments[0], fragments[2]]).toEqual([before, after]);
  hls.destroy();
});
