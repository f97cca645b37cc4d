// Plain JavaScript, so that a page that is not built can load it too.

/**
 * Keeps hls.js 1.7 from leaving parts out. When a playlist that completes a segment comes
 * while one of its parts is parsed, hls.js takes the segment to end with that part, and so
 * to be loaded; it takes it to be loaded, too, when less than 0.2 s are missing; and it
 * goes on with the next one, as the playlist holds the very object that it loaded last.
 * So the segment gets its end back, an equal object gets its place, and it is marked as
 * one of which something is missing until its last part, or all of it, has come.
 *
 * @param {typeof import("hls.js").default} Hls
 * @param {import("hls.js").default} hls
 */
export function loadEveryPart(Hls, hls) {
  hls.on(Hls.Events.LEVEL_PTS_UPDATED, (_name, { details: { fragments, partList }, frag, part }) => {
    const at = fragments.findIndex((fragment) => fragment === frag);
    const last = part && partList?.filter(({ fragment }) => fragment.sn === frag.sn).at(-1);
    if (part && !last) return; // it came so late that it is listed no more
    const missing = last && !last.loaded;
    for (const stream of Object.values(frag.elementaryStreams)) if (stream) stream.partial = !!missing;
    if (!missing || at < 0) return;
    frag.endPTS = frag.minEndPTS = last.end;
    frag.setDuration(last.end - frag.start);
    fragments[at] = Object.assign(Object.create(Object.getPrototypeOf(frag)), frag);
  });
}
