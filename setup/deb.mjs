// Builds pptp-gateway_VERSION_ARCHITECTURE.deb from this checkout: node setup/deb.mjs [FOLDER, else the current one]
// The same sources give the same package, octet for octet, on the same machine (SOURCE_DATE_EPOCH, else the last commit).
import { resolve } from 'node:path';
import { buildDeb } from './lib/deb.mjs';
import { sourceEpoch } from './lib/epoch.mjs';
import { prepareProduction } from './lib/prepare.mjs';
import { folderOf, runScript } from './lib/script.mjs';

await runScript(async (words) => {
  const folder = folderOf(words, 'name one folder or none: node setup/deb.mjs [FOLDER]', '.');
  await prepareProduction();
  console.log(await buildDeb({ output: resolve(folder), epoch: sourceEpoch() }));
  return 0;
});
