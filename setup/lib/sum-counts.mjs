// Prints the sum of the counted lines of some logs, and says by its exit code whether all is well. A log without a
// counted line is one failure.
import { readFile } from 'node:fs/promises';
import { add, countLine, exitCode, lastCounts, none } from './counts.mjs';

let sum = none;
for (const path of process.argv.slice(2)) {
  const counts = lastCounts(await readFile(path, 'utf8').catch(() => ''));
  sum = add(sum, counts ?? { passed: 0, failed: 1, skipped: 0 });
}
console.log(countLine(sum));
process.exitCode = exitCode(sum);
