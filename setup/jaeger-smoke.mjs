// node setup/jaeger-smoke.mjs [JAEGER [OTLP]]: sends the trace of a tunnel's set-up, made by a gateway in memory, to a
// collector (http://127.0.0.1:4318) and looks for it through the query API of Jaeger (http://127.0.0.1:16686). Without
// a JAEGER here or in PPTP_TEST_JAEGER_URL it says so and does nothing.

import { gatherFacts } from './lib/facts.mjs';
import { root } from './lib/paths.mjs';
import { checkMachine } from './lib/preflight.mjs';
import { prepareVerbs } from './lib/prepare.mjs';
import { complain, runScript, say } from './lib/script.mjs';
import { runVitest } from './lib/vitest.mjs';

await runScript(async ([jaeger = process.env.PPTP_TEST_JAEGER_URL, otlp = process.env.PPTP_TEST_OTLP_URL]) => {
  if (jaeger === undefined || jaeger === '') {
    say(
      'skipped: name a Jaeger, for example: node setup/jaeger-smoke.mjs http://127.0.0.1:16686 http://127.0.0.1:4318',
    );
    return 0;
  }
  const facts = gatherFacts();
  const problems = checkMachine(facts);
  for (const problem of problems) complain(problem);
  if (problems.length > 0) return 1;
  await prepareVerbs(facts);
  const env = {
    PPTP_TEST_JAEGER_URL: jaeger,
    ...(otlp === undefined || otlp === '' ? {} : { PPTP_TEST_OTLP_URL: otlp }),
  };
  const { counts } = await runVitest(['--project', 'e2e', 'test/e2e/jaeger.test.ts'], { cwd: root, env });
  return counts.failed === 0 ? 0 : 1;
});
