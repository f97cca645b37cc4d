import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { targets } from "./targets.js";

// Not imported: vitest would take half a minute to make a module of it.
const table = createRequire(import.meta.url).resolve("@mdn/browser-compat-data");
const { api, javascript } = JSON.parse(readFileSync(table, "utf8"));

/** What our own sources and scripts call of the platform's static functions, as "AbortSignal.timeout". */
function calls() {
  const found = new Set();
  for (const root of ["src", "public"].map((name) => join(import.meta.dirname, name))) {
    for (const name of readdirSync(root, { recursive: true, encoding: "utf8" })) {
      if (!/\.(ts|js|svelte)$/.test(name) || /\.(test|d)\.ts$/.test(name)) continue;
      const code = readFileSync(join(root, name), "utf8").replace(/\/\*[^]*?\*\/|\/\/.*/g, "");
      for (const [call] of code.matchAll(/\b[A-Z]\w+\.[a-z]\w+(?=\()/g)) found.add(call);
    }
  }
  return [...found];
}

/** The targets that lack a static function; none for what is not the platform's. */
function lacking(call) {
  const [owner, name] = call.split(".");
  const { support } = (api[owner]?.[`${name}_static`] ?? javascript.builtins[owner]?.[name])?.__compat ?? {};
  if (!support) return [];
  return Object.keys(targets).filter((browser) => {
    const since = [support[browser]].flat().filter(({ flags }) => !flags);
    return !since.some(({ version_added: version }) => parseFloat(version) <= parseFloat(targets[browser]));
  });
}

describe("of the oldest browsers that are supported", () => {
  it.each([
    ["AbortSignal.any", ["chrome", "edge", "firefox", "safari"]],
    ["Promise.withResolvers", ["chrome", "edge", "firefox", "safari"]],
    ["Object.fromEntries", []],
    ["Streams.get", []],
  ])("%s is missing in %j", (call, want) => expect(lacking(call)).toEqual(want));

  it("each has every static function that is called", () => {
    const found = calls();
    expect(found).toContain("AbortSignal.timeout");
    expect(found.filter((call) => lacking(call).length > 0)).toEqual([]);
  });
});
