// Asks the npm registry for known vulnerabilities of the packages that a gateway needs to run: node setup/audit.mjs
// What is high or critical and not in audit-exceptions.json is a failure. A registry that cannot be asked is none: it is
// said. The last line is "N passed, N failed, N skipped".
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { judgeAudit } from './lib/audit.mjs';
import { countLine, failureList } from './lib/counts.mjs';
import { npmCommand } from './lib/dependencies.mjs';
import { root } from './lib/paths.mjs';
import { runScript } from './lib/script.mjs';

const MOST_MS = 30_000;

const ask = () =>
  new Promise((resolve) => {
    const { program, args } = npmCommand();
    const words = ['audit', '--omit=dev', '--audit-level=high', '--json', '--fetch-retries=1'];
    const options = {
      cwd: root,
      timeout: MOST_MS,
      maxBuffer: 64 << 20,
      env: { ...process.env, npm_config_update_notifier: 'false' },
    };
    execFile(program, [...args, ...words], options, (error, stdout) => {
      try {
        resolve(JSON.parse(stdout));
      } catch {
        resolve({ message: error?.killed ? `no answer within ${MOST_MS / 1000} s` : error?.message });
      }
    });
  });

await runScript(async () => {
  const exceptions = JSON.parse(await readFile(join(root, 'setup', 'audit-exceptions.json'), 'utf8'));
  const result = judgeAudit(await ask(), exceptions, new Date().toISOString().slice(0, 10));
  if (result.notAudited !== undefined) {
    console.log(`npm audit: not audited: ${result.notAudited.replaceAll(/https?:\/\/\S+/g, 'the registry')}`);
    console.log(countLine({ passed: 0, failed: 0, skipped: 1 }));
    return 0;
  }
  const { findings, stale } = result;
  for (const { id, until } of stale) console.log(`npm audit: the exception ${id} (until ${until}) can be taken out`);
  process.stdout.write(
    failureList(
      findings.map(({ id, package: name, severity, title }) => ({
        name: `${name} ${id}`,
        reason: `${severity}: ${title}`,
      })),
    ),
  );
  const failed = findings.length > 0;
  console.log(countLine({ passed: failed ? 0 : 1, failed: findings.length, skipped: 0 }));
  return failed ? 1 : 0;
});
