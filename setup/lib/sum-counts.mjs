// Prints what failed according to some logs, then the sum of their counted lines, and says by its exit code whether all
// is well. A log without a counted line is one failure.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { add, countLine, exitCode, failureList, failuresIn, lastCounts, none } from './counts.mjs';

let sum = none;
const failures = [];
for (const path of process.argv.slice(2)) {
  const text = await readFile(path, 'utf8').catch(() => '');
  const counts = lastCounts(text);
  sum = add(sum, counts ?? { passed: 0, failed: 1, skipped: 0 });
  const named = failuresIn(text);
  if (counts === undefined) named.push('ended without a counted line');
  else if (counts.failed > named.length) named.push(`${counts.failed - named.length} without a name, see above`);
  for (const name of named) failures.push({ name: `${basename(path)} > ${name}`, reason: '' });
}
process.stdout.write(failureList(failures));
console.log(countLine(sum));
process.exitCode = exitCode(sum);
