// Runs before the first paint, so that a chosen theme never flashes the other one.
(() => {
  try {
    const chosen = localStorage.getItem("sluice.theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage is switched off: the system's theme it is.
  }
})();

// A browser that is too old for the pages' code runs none of it: say so in its place. Written as the oldest read it.
(function () {
  var known = window.AbortSignal && AbortSignal.timeout && [].findLast && window.Promise && Promise.allSettled;
  if (known) return;
  document.addEventListener("DOMContentLoaded", function () {
    var page = document.getElementById("app");
    if (!page) return;
    var main = document.createElement("main");
    var said = document.createElement("h1");
    main.className = "too-old";
    said.textContent =
      "This browser is too old for this page. Update it, or open the page in a current Chrome, Edge, Firefox or Safari.";
    main.appendChild(said);
    page.appendChild(main);
  });
})();
