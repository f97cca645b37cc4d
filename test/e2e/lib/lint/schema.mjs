// MPEG's schema of the MPD, by xmllint. It is not ours to hand on: it lies beside
// the project, or where SLUICE_DASH_SCHEMA says.

import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { run } from '../media.mjs';

const beside = fileURLToPath(new URL('../../../../../shared/schema', import.meta.url));

/** The folder with DASH-MPD.xsd and xlink.xsd, or null. */
export const schemaFolder = [process.env.SLUICE_DASH_SCHEMA, beside].find((folder) => folder && existsSync(path.join(folder, 'DASH-MPD.xsd'))) ?? null;

/** What to do without it. */
export const noSchema = 'DASH-MPD.xsd was not found, so no MPD is held against it: put it and xlink.xsd into a folder and name that in SLUICE_DASH_SCHEMA';

/** What xmllint says of an MPD; nothing when it is valid. Files go into a folder of the caller's. */
export async function schemaComplaints(text, scratch) {
  const catalog = path.join(scratch, 'catalog.xml');
  const xlink = pathToFileURL(path.join(schemaFolder, 'xlink.xsd'));
  // xmllint takes the schema of XLink from the folder instead of from the internet.
  await writeFile(catalog, `<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">
  <system systemId="http://www.w3.org/XML/2008/06/xlink.xsd" uri="${xlink}"/>
  <uri name="http://www.w3.org/XML/2008/06/xlink.xsd" uri="${xlink}"/>
</catalog>`);
  const args = ['--nonet', '--noout', '--schema', path.join(schemaFolder, 'DASH-MPD.xsd'), '-'];
  const { code, stderr } = await run('xmllint', args, text, { XML_CATALOG_FILES: catalog });
  return code === 0 ? [] : [stderr];
}
