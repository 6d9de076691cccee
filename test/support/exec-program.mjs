// A program for the back-end `exec` that does what the name of the user says.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const say = (value) => process.stdout.write(`${typeof value === 'string' ? value : JSON.stringify(value)}\n`);
const kept = [];
const tricks = {
  environment: ({ id }) => say({ id, version: 1, result: 'reject', denial: 'locked', seen: { ...process.env } }),
  /** Keeps questions until the third, then answers them backwards. */
  backwards: ({ id, proof }) => {
    kept.push({ id, version: 1, result: 'accept', identity: proof.password, grant: {} });
    if (kept.length === 3) for (const answer of kept.splice(0).reverse()) say(answer);
  },
  silent: () => undefined,
  dies: () => process.exit(3),
  /** Dies of the first question of all processes: the file tells. */
  'dies-once': async ({ id }) => {
    const { open } = await import('node:fs/promises');
    const first = await open(process.argv[2], 'wx').then(
      (file) => file.close(),
      () => 'not the first',
    );
    if (first === undefined) process.exit(4);
    say({ id, version: 1, result: 'accept', grant: {} });
  },
  junk: () => say('this is no answer'),
  'no-id': () => say({ version: 1, result: 'unknown-user' }),
  long: () => say('x'.repeat(70_000)),
  endless: () => process.stdout.write('x'.repeat(70_000)),
  ahead: ({ id }) => say({ id: id + 1, version: 1, result: 'unknown-user' }),
  between: ({ id }) => say({ id: id + 0.5, version: 1, result: 'unknown-user' }),
  twice: ({ id }) => {
    say({ id, version: 1, result: 'reject', denial: 'locked' });
    say({ id, version: 1, result: 'accept', grant: {} });
  },
  'wrong-answer': ({ id }) => say({ id, version: 1, result: 'perhaps' }),
  talks: ({ id }) => {
    for (let n = 1; n <= 100; n += 1) process.stderr.write(`line ${n} \u0007\n`);
    process.stderr.write(`${'y'.repeat(5000)}\n`, () => say({ id, version: 1, result: 'unknown-user' }));
  },
  /** Leaves a child that holds the output open, and ends. */
  leaves: ({ id }) => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
    say({ id, version: 1, result: 'accept', identity: String(child.pid), grant: {} });
    setImmediate(() => process.exit(0));
  },
  /** The same with a child that has a session of its own, where no signal for the group reaches it. */
  escapes: ({ id }) => {
    const options = { stdio: 'inherit', detached: true };
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], options);
    say({ id, version: 1, result: 'accept', identity: String(child.pid), grant: {} });
    setImmediate(() => process.exit(0));
  },
};
const passwords = { alice: 'wonderland', Zoë: 'Südpol' };

createInterface({ input: process.stdin }).on('line', (line) => {
  const question = JSON.parse(line);
  const { id, user } = question;
  const trick = tricks[user];
  if (trick !== undefined) trick(question);
  else if (user in passwords) say({ id, version: 1, result: 'secret', password: passwords[user] });
  else say({ id, version: 1, result: 'unknown-user' });
});
