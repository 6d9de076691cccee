// Writes the generated pages of docs/ from the sources: node setup/docs.mjs
// The results in docs/performance.md from what was measured: node setup/docs.mjs --performance results.json [more.json]
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildSources } from './lib/build.mjs';
import { root } from './lib/paths.mjs';
import { runScript, SetupError } from './lib/script.mjs';

const writeReference = async () => {
  await buildSources();
  const { configurationPage } = await import('../dist/config/describe.js');
  const { profilesPage } = await import('../dist/config/profiles-page.js');
  const { cliPage } = await import('../dist/gateway/cli/reference.js');
  const { manPage } = await import('../dist/gateway/cli/man-page.js');
  const { PROGRAM, programModel } = await import('../dist/gateway/cli/program.js');
  const { adminApiPage } = await import('../dist/gateway/admin/api-page.js');
  const { metricsPage } = await import('../dist/observability/metrics/page.js');
  const { tracesPage } = await import('../dist/observability/traces-page.js');
  await writeFile(join(root, 'docs', 'configuration.md'), configurationPage());
  await writeFile(join(root, 'docs', 'profiles.md'), profilesPage());
  await writeFile(join(root, 'docs', 'cli.md'), cliPage(PROGRAM, await programModel()));
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  await mkdir(join(root, 'deploy', 'man'), { recursive: true });
  await writeFile(join(root, 'deploy', 'man', 'pptp-gateway.1'), manPage(PROGRAM, version, await programModel()));
  await writeFile(join(root, 'docs', 'admin-api.md'), adminApiPage());
  await writeFile(join(root, 'docs', 'metrics.md'), metricsPage());
  await writeFile(join(root, 'docs', 'traces.md'), tracesPage());
};

const writeResults = async (files) => {
  await buildSources('all');
  const { performanceResults, readResultSet, withResults } = await import(
    '../dist/test/bench/support/performance-page.js'
  );
  const sets = [];
  for (const file of files) {
    const set = readResultSet(await readFile(file, 'utf8').catch(() => ''));
    if (set === undefined) throw new SetupError('NO_RESULTS', `${file} is not what npm run bench -- --json wrote.`);
    sets.push(set);
  }
  if (sets.length === 0) throw new SetupError('NO_RESULTS', 'name the files that npm run bench -- --json wrote.');
  const page = join(root, 'docs', 'performance.md');
  const written = withResults(await readFile(page, 'utf8'), performanceResults(sets));
  if (written === undefined)
    throw new SetupError('NO_RESULTS', 'docs/performance.md has lost the two comments between which results go.');
  await writeFile(page, written);
};

await runScript(async ([option, ...files]) => {
  if (option === '--performance') await writeResults(files);
  else if (option === undefined) await writeReference();
  else throw new SetupError('USAGE', 'node setup/docs.mjs, or node setup/docs.mjs --performance FILE...');
  return 0;
});
