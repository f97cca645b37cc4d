// Looks at a page as people have it, light and dark, on a phone and on a desk:
// a picture of each into a folder to leaf through, and axe's verdict on each.

import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const axe = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const themes = ['light', 'dark'];
const sizes = { phone: { width: 390, height: 844 }, desk: { width: 1440, height: 900 } };

export class Gallery {
  #states = [];

  constructor(folder = fileURLToPath(new URL('../../screenshots/', import.meta.url))) {
    this.folder = folder;
  }

  /** Takes a state of a page in every theme and size, and checks that axe finds nothing. */
  async look(page, state) {
    await mkdir(this.folder, { recursive: true });
    this.#states.push(state);
    const before = page.viewportSize();
    const found = [];
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.setViewportSize(viewport);
      for (const theme of themes) {
        await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
        await page.screenshot({ path: path.join(this.folder, `${state}-${theme}-${size}.png`), animations: 'disabled' });
        found.push(...(await violations(page)).map((violation) => `${theme}, ${size}: ${violation}`));
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        if (wide > 0) found.push(`${theme}, ${size}: the page is ${wide} pixels wider than the window`);
      }
    }
    await page.setViewportSize(before);
    await this.#index();
    assert.deepEqual(found, [], `${state}:\n${found.join('\n')}`);
  }

  async #index() {
    const row = (state) =>
      `<h2>${state}</h2>\n` +
      themes
        .flatMap((theme) => Object.keys(sizes).map((size) => `${state}-${theme}-${size}.png`))
        .map((file) => `<a href="${file}"><img src="${file}" alt="${file}" height="420"></a>`)
        .join('\n');
    await writeFile(
      path.join(this.folder, 'index.html'),
      `<!doctype html>\n<meta charset="utf-8">\n<title>Sluice: every state</title>\n<style>body { font: 14px system-ui; background: #888 } img { margin: 4px }</style>\n${this.#states.map(row).join('\n')}\n`,
    );
  }
}

/** What axe objects to on a page, one line each. */
async function violations(page) {
  // By way of the debugger, which the content policy of the page does not bind.
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return result.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target, failureSummary }) => `${target} (${failureSummary.replace(/\s+/g, ' ')})`).join(' | ')}`);
}
