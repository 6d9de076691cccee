// Writes the generated pages of docs/ from the sources: node setup/docs.mjs
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildSources } from './lib/build.mjs';
import { root } from './lib/paths.mjs';
import { runScript } from './lib/script.mjs';

await runScript(async () => {
  await buildSources();
  const { configurationPage } = await import('../dist/config/describe.js');
  const { metricsPage } = await import('../dist/observability/metrics/page.js');
  const { tracesPage } = await import('../dist/observability/traces-page.js');
  await writeFile(join(root, 'docs', 'configuration.md'), configurationPage());
  await writeFile(join(root, 'docs', 'metrics.md'), metricsPage());
  await writeFile(join(root, 'docs', 'traces.md'), tracesPage());
  return 0;
});
