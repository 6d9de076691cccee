import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { describeWithLab } from './support/describe-lab.ts';
import { GATEWAY, gatewayEnvironment } from './support/gateway-contract.ts';
import type { Guest } from './support/guest.ts';
import { quote } from './support/shell.ts';
import { ADDRESSES } from './support/topology.ts';
import { addUser, alice } from './support/users.ts';

const observability = fileURLToPath(new URL('../../docs/observability.md', import.meta.url));

/** Commands that end by Ctrl-C. */
const FOLLOWING = ['sessions watch', 'events'];

await describeWithLab('what operators type', (lab) => {
  let client: Guest;
  let state: string;

  test('the commands of docs/observability.md work as they are there, and end by themselves', async () => {
    const commands = [...(await readFile(observability, 'utf8')).matchAll(/^npx pptp-gateway ([^#\n]*)/gm)].map(
      ([, command = '']) => command.trim(),
    );
    expect(commands.length).toBeGreaterThan(10);
    state = await lab().temporaryDirectory();
    await addUser(lab(), state, alice);
    // Nobody takes the traces, which is no fault of the commands.
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
    [, client] = await Promise.all([lab().startGateway({ stateDirectory: state, env }), lab().guest('c1')]);
    await client.dial({ ...alice, password: 'not hers' });
    await client.mustDial(alice);
    const failed: string[] = [];
    // What this host lacks is for other tests to say, and there is no other server here.
    const ending = commands.filter((one) => !one.startsWith('doctor') && !FOLLOWING.includes(one));
    for (const command of ending) {
      const args = command.split(/ +/).map((word) => (word.endsWith('.pcapng') ? `${state}/${word}` : word));
      const packets = command.startsWith('capture')
        ? client.exec(`ping -c 15 -i 0.2 -W 2 ${ADDRESSES.intranet}`)
        : undefined;
      const { status, output, errors } = await lab().gatewayCommand(args, state);
      await packets;
      if (status !== 0) failed.push(`${command}: status ${status}\n${output}${errors}`);
    }
    expect(failed).toEqual([]);
  });

  /** With Ctrl-C after three seconds. */
  const interrupted = (...args: readonly string[]) => {
    const settings = Object.entries(gatewayEnvironment(state)).map(([name, value]) => `${name}=${quote(value)}`);
    const command = [process.execPath, GATEWAY.entry, ...args].map(quote).join(' ');
    return lab().inGateway(`${settings.join(' ')} timeout -k 20 -s INT 3 ${command}`);
  };

  test('those that follow what happens do so until Ctrl-C', async () => {
    const page = await readFile(observability, 'utf8');
    for (const command of FOLLOWING) expect(page).toContain(`npx pptp-gateway ${command} `);
    const [watch, events] = await Promise.all(FOLLOWING.map((command) => interrupted(...command.split(' '))));
    expect(watch).toMatchObject({ status: 124, output: expect.stringContaining(alice.user) });
    expect(events).toMatchObject({ status: 124 });
  });

  test('Ctrl-C ends a capture, its file being whole', async () => {
    const { status, errors } = await interrupted('capture', '-w', `${state}/short.pcapng`);
    // 124: it was interrupted; 137 would be: it had to be killed.
    expect({ status, errors }).toEqual({ status: 124, errors: expect.stringContaining('stopped') });
    await client.hangUp();
  });
});
