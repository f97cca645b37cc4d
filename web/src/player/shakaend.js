// Shaka Player 5.2 takes an MPD that becomes static for one whose times begin anew:
// its first period is put where media began, and mediaPresentationDuration is
// counted from there. By the standard, and for dash.js and rx-player, it is counted
// from where it always was. Told the one for the other, Shaka looks for segments
// after the end for as long as the stream clock had run before the first of them,
// and never says that it has ended.

/**
 * Seconds of an xs:duration of hours, minutes and seconds; undefined of another.
 * @param {string | undefined} text
 */
function seconds(text) {
  const found = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?$/.exec(text ?? "");
  return found ? Number(found[1] ?? 0) * 3600 + Number(found[2] ?? 0) * 60 + Number(found[3] ?? 0) : undefined;
}

/**
 * Makes what has to see each MPD of a stream before Shaka does.
 * @returns {(mpd: import("shaka-player").default.extern.xml.Node) => void}
 */
export function endForShaka() {
  /** @type {number | undefined} where media began, in seconds; undefined unless the stream was live */
  let begun;
  return (mpd) => {
    if (mpd.attributes["type"] === "dynamic") {
      const period = mpd.children.find((child) => typeof child !== "string" && child.tagName === "Period");
      const start = typeof period === "object" ? seconds(period.attributes["start"]) : undefined;
      begun = Math.min(begun ?? Infinity, start ?? 0);
      return;
    }
    const end = seconds(mpd.attributes["mediaPresentationDuration"]);
    if (begun !== undefined && end !== undefined) mpd.attributes["mediaPresentationDuration"] = `PT${end - begun}S`;
    begun = undefined; // Shaka asks no more
  };
}
