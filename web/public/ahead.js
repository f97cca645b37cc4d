// Runs before the page's own code is there: has the player that this viewer will most likely need loaded beside it,
// not after it, and asks for the stream and the time. src/watch/ahead.ts takes the answers, src/player/choose.ts makes
// the choice itself.
(() => {
  const { dash, hls } = document.currentScript.dataset;
  const protocol = new URLSearchParams(location.search).get("protocol");
  if (!navigator.vendor.startsWith("Apple") || protocol === "dash") {
    const link = document.createElement("link");
    link.rel = "modulepreload";
    link.href = protocol === "hls" ? hls : dash;
    document.head.append(link);
  }
  const ask = (url) => [url, fetch(url, { cache: "no-store", credentials: "omit" })];
  window.asked = new Map([ask(`/v1/streams/${location.pathname.split("/")[2]}`), ask("/time")]);
  for (const answer of window.asked.values()) answer.catch(() => undefined); // whoever takes it is told
})();
