import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { NO_SERVICE_MANAGER, serviceManagerOf } from '../../../../gateway/life/service-manager.ts';
import { describeWithProgram } from '../../../support/describe-program.ts';
import { MemoryLog } from '../../../support/memory-log.ts';
import { ROOT } from '../../../support/netns.ts';

const built = existsSync(join(ROOT, 'native', 'build', 'Release', 'pptp_native.node'));
const folder = mkdtempSync(join(tmpdir(), 'pptp-notify-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Prints each datagram as one line of JSON. */
const RECEIVER = `
import json, socket, sys
name = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('\\0' + name[1:] if name.startswith('@') else name)
print('"bound"', flush=True)
while True:
    print(json.dumps(s.recv(4096).decode()), flush=True)
`;

const receiver = async (name: string) => {
  const child = spawn('python3', ['-c', RECEIVER, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => JSON.parse((await lines.next()).value ?? 'null');
  expect(await next()).toBe('bound');
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await once(child, 'close');
  };
  return { next, end };
};

describe('the names of sd_notify', () => {
  it('load nothing where they are not', () => {
    expect(serviceManagerOf({ WATCHDOG_USEC: '1000' }, new MemoryLog())).toBe(NO_SERVICE_MANAGER);
  });

  it('are for this process alone', () => {
    const env = { NOTIFY_SOCKET: '/run/nobody', WATCHDOG_USEC: '3000000', WATCHDOG_PID: '1', PATH: '/bin' };
    expect(serviceManagerOf(env, new MemoryLog()).watchdogMs).toBeUndefined();
    expect(env).toEqual({ PATH: '/bin' });
  });

  it('say how often to say that we live', () => {
    const ms = (more: object) =>
      serviceManagerOf({ NOTIFY_SOCKET: '/run/nobody', ...more }, new MemoryLog()).watchdogMs;
    expect(ms({ WATCHDOG_USEC: '3000000' })).toBe(3_000);
    expect(ms({ WATCHDOG_USEC: '3000000', WATCHDOG_PID: String(process.pid) })).toBe(3_000);
    expect([ms({}), ms({ WATCHDOG_USEC: '0' }), ms({ WATCHDOG_USEC: 'often' })]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it.skipIf(!built)('that lead to nobody are said once in the log', () => {
    const log = new MemoryLog();
    const service = serviceManagerOf({ NOTIFY_SOCKET: join(folder, 'nobody') }, log);
    service.tell({ READY: 1 });
    service.tell({ STOPPING: 1 });
    expect(log.events('warn')).toEqual(['service.unheard']);
  });
});

describeWithProgram('python3', 'a service manager at a real socket', () => {
  it.skipIf(!built).each([
    ['a path', join(folder, 'notify')],
    ['an abstract name', `@pptp-notify-${process.pid}`],
  ])('hears what it is told, at %s', async (_, name) => {
    const { next, end } = await receiver(name);
    try {
      const service = serviceManagerOf({ NOTIFY_SOCKET: name }, new MemoryLog());
      service.tell({ READY: 1, STATUS: 'takes calls;\n2 tunnels', MAINPID: 4711 });
      expect(await next()).toBe('READY=1\nSTATUS=takes calls; 2 tunnels\nMAINPID=4711\n');
      service.tell({ RELOADING: 1, MONOTONIC_USEC: 18446744073709551615n });
      expect(await next()).toBe('RELOADING=1\nMONOTONIC_USEC=18446744073709551615\n');
    } finally {
      await end();
    }
  });
});
