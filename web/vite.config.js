import { readFile, readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { targets } from "./targets.js";

const outDir = resolve(import.meta.dirname, "../internal/ui/dist");

/** Lays a .gz beside each asset, once at build time, so that the server never compresses. */
function gzipAssets() {
  return {
    name: "gzip-assets",
    apply: "build",
    async closeBundle() {
      const dir = join(outDir, "assets");
      for (const name of await readdir(dir)) {
        if (!/\.(js|css|svg)$/.test(name)) continue;
        await writeFile(join(dir, `${name}.gz`), gzipSync(await readFile(join(dir, name)), { level: 9 }));
      }
    },
  };
}

/** Tells the watch page's ahead.js where the players are. */
function playersAhead() {
  return {
    name: "players-ahead",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(_html, { path, bundle }) {
        if (path !== "/watch.html") return [];
        const address = (name) => `/${Object.values(bundle).find((chunk) => chunk.name === name).fileName}`;
        const attrs = { src: "/ahead.js", "data-dash": address("shaka"), "data-hls": address("hls") };
        return [{ tag: "script", attrs, injectTo: "head-prepend" }];
      },
    },
  };
}

/** Keeps the one tracked file of the output folder, which go:embed needs before the first build. */
function keepGitkeep() {
  return {
    name: "keep-gitkeep",
    apply: "build",
    closeBundle: () => writeFile(join(outDir, ".gitkeep"), ""),
  };
}

/** In development, answers the addresses that internal/ui answers in the product. */
function pageRoutes() {
  const routes = [
    [/^\/watch\/[^/]+\/?$/, "/watch.html"],
    [/^\/docs\/?$/, "/docs.html"],
  ];
  return {
    name: "page-routes",
    configureServer(server) {
      server.middlewares.use((req, _res, next) => {
        const [path, query] = (req.url ?? "").split("?");
        const hit = routes.find(([pattern]) => pattern.test(path));
        if (hit) req.url = hit[1] + (query ? `?${query}` : "");
        next();
      });
    },
  };
}

const backend = process.env.SLUICE_DEV_SERVER ?? "http://localhost:8080";

export default defineConfig({
  plugins: [svelte(), pageRoutes(), playersAhead(), gzipAssets(), keepGitkeep()],
  server: {
    proxy: Object.fromEntries(["/v1", "/time", "/openapi.json", "/streams/"].map((path) => [path, backend])),
  },
  build: {
    outDir,
    emptyOutDir: true,
    target: Object.entries(targets).map(([browser, version]) => browser + version),
    // An inlined asset would be a data: address, which the content policy refuses.
    assetsInlineLimit: 0,
    // The players are large by nature and come after the first paint.
    chunkSizeWarningLimit: 800,
    modulePreload: { polyfill: false },
    // A few files that all pages share come sooner than many.
    cssCodeSplit: false,
    rolldownOptions: {
      output: {
        advancedChunks: {
          groups: [
            { name: "common", test: /node_modules\/(svelte|esm-env|clsx)|src\/(api|components|format|styles|faces)/ },
          ],
        },
      },
      input: ["index.html", "watch.html", "docs.html"].map((page) => resolve(import.meta.dirname, page)),
    },
  },
  test: { include: ["src/**/*.test.ts", "targets.test.js"], environment: "node" },
});
