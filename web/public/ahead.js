// Runs before the page's own code is there: has the player that this viewer will most likely need loaded beside it,
// not after it. The choice itself is made in src/player/choose.ts.
(() => {
  const { dash, hls } = document.currentScript.dataset;
  const protocol = new URLSearchParams(location.search).get("protocol");
  if (navigator.vendor.startsWith("Apple") && protocol !== "dash") return;
  const link = document.createElement("link");
  link.rel = "modulepreload";
  link.href = protocol === "hls" ? hls : dash;
  document.head.append(link);
})();
