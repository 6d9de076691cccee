// Builds the dashboard into dist/pages when it is not there or out of date: node setup/dashboard.mjs
import { buildDashboard } from './lib/dashboard.mjs';
import { runScript } from './lib/script.mjs';

await runScript(async () => {
  await buildDashboard();
  return 0;
});
