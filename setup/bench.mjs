// npm run bench: every benchmark of test/bench in turn, each in a process of its own. Arguments select by name.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildSources } from './lib/build.mjs';
import { runCommand } from './lib/command.mjs';
import { gatherFacts } from './lib/facts.mjs';
import { dist, root } from './lib/paths.mjs';
import { prepareRun } from './lib/prepare.mjs';
import { runScript, SetupError } from './lib/script.mjs';

await runScript(async (wanted) => {
  await prepareRun(gatherFacts());
  await buildSources('all');
  const folder = join(dist, 'test', 'bench');
  const names = await readdir(folder).catch(() => []);
  const chosen = names
    .filter((name) => name.endsWith('.bench.js'))
    .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
    .sort();
  if (chosen.length === 0)
    throw new SetupError('NO_BENCHMARK', `no benchmark matches; test/bench has ${names.length}.`);
  let worst = 0;
  for (const name of chosen) {
    console.log(`\n# ${name.replace('.bench.js', '')}`);
    const code = await runCommand(process.execPath, ['--enable-source-maps', join(folder, name)], { cwd: root });
    worst = Math.max(worst, code);
  }
  return worst;
});
