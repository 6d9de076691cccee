// Builds the gateway and copies what it needs to run into a folder, without packages for development: node setup/tree.mjs
// FOLDER. Its program is dist/gateway/main.js; sbom.cdx.json lists the packages.
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { sourceEpoch } from './lib/epoch.mjs';
import { prepareProduction } from './lib/prepare.mjs';
import { copyProduction, requireEmpty } from './lib/production.mjs';
import { makeSbom } from './lib/sbom.mjs';
import { folderOf, runScript } from './lib/script.mjs';

await runScript(async (words) => {
  const target = resolve(
    folderOf(words, 'name one folder, which is empty or not there yet: node setup/tree.mjs FOLDER'),
  );
  await requireEmpty(target);
  await prepareProduction();
  await mkdir(target, { recursive: true });
  await copyProduction(target);
  await writeFile(join(target, 'sbom.cdx.json'), await makeSbom(sourceEpoch()));
  return 0;
});
