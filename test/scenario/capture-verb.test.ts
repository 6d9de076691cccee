import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/load.ts';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../core/errors.ts';
import { openCaptureFile } from '../../gateway/capture-file.ts';
import { addCaptureVerb, type CaptureHost } from '../../gateway/cli/capture.ts';
import { runningGateway } from '../../gateway/cli/running-gateway.ts';
import { type AdminRig, adminRig } from '../support/admin-rig.ts';
import { address } from '../support/batches.ts';
import { GatewayLab, type LabPeer } from '../support/gateway-lab.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';
import { memoryTerminal } from '../support/memory-terminal.ts';
import { readPcapng } from '../support/pcapng.ts';

const BEGUN = 'capturing; Ctrl-C ends it';

let folder: string;
let file: string;
let lab: GatewayLab;
let client: LabPeer & { readonly address: Ipv4 };
let rig: AdminRig;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pptp-capture-'));
  file = join(folder, 'out.pcapng');
  lab = await GatewayLab.start();
  client = await lab.connect();
  await lab.clock.advance(1_000);
  const { config } = loadConfig({ env: { PPTP_CAPTURE_DECRYPTED: 'true' } });
  rig = await adminRig({ gateway: lab.gateway, clock: lab.clock, config });
});
afterEach(async () => {
  await rig.stop();
  rmSync(folder, { recursive: true });
});

/** `pptp-gateway capture ...`: what it says, once it is over, and a hand on Ctrl-C. */
function capture(argv: readonly string[], open: CaptureHost['open'] = openCaptureFile) {
  const lines: string[] = [];
  let sayBegun: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    sayBegun = resolve;
  });
  const write = (line: string): void => {
    lines.push(line);
    if (line === BEGUN) sayBegun();
  };
  const terminal = memoryTerminal({ out: write, err: write });
  const program = new Command().exitOverride().configureOutput({ writeErr: (text) => write(text.trimEnd()) });
  let interrupt: () => void = () => undefined;
  addCaptureVerb(
    {
      program,
      terminal,
      action: (command, work) =>
        command.action(async () => {
          await work(runningGateway({ admin: { socket: rig.socket } }), ...command.args);
        }),
    },
    {
      open,
      onInterrupt: (handler) => {
        interrupt = handler;
        return () => {
          interrupt = () => undefined;
        };
      },
    },
  );
  const over = program.parseAsync(['capture', ...argv], { from: 'user' }).then(
    () => lines,
    (error: unknown) => {
      if (!(error instanceof Error && 'code' in error)) throw error;
      return [...lines, `${String(error.code)}: ${error.message}`];
    },
  );
  return { over, begun, interrupt: () => interrupt() };
}

const send = async (count: number): Promise<void> => {
  for (let sent = 0; sent < count; sent += 1) {
    client.tun.hostSends(ipv4Packet({ source: client.address, destination: address('10.0.0.80') }));
    await lab.clock.advance(1);
  }
};

describe('pptp-gateway capture', () => {
  it('writes a file that nobody else may read, and ends it on Ctrl-C', async () => {
    const { over, begun, interrupt } = capture(['--decrypted', '--point', 'tun', '--point', 'ppp', '-w', file]);
    await begun;
    await send(3);
    interrupt();
    expect(await over).toEqual([BEGUN, '6 packets (tun 3, ppp 3) in 0 s: stopped']);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { packets, statistics, interfaces } = readPcapng(readFileSync(file));
    expect(interfaces.map(({ name }) => name)).toEqual(['tun', 'ppp']);
    expect(packets).toHaveLength(6);
    expect(statistics).toHaveLength(2);
  });

  it('ends by itself after the packets that were asked for', async () => {
    const { over, begun } = capture(['--user', 'alice', '--point', 'ppp', '--packets', '2', '-w', file]);
    await begun;
    await send(3);
    expect((await over).at(-1)).toBe('2 packets (ppp 2) in 0 s: the packets asked for are there');
    expect(readPcapng(readFileSync(file)).packets).toHaveLength(2);
  });

  it('leaves the file alone when the gateway refuses', async () => {
    writeFileSync(file, 'an older capture');
    const { over } = capture(['--tunnel', 'nobody', '-w', file]);
    expect(await over).toEqual(['ADMIN_REFUSED: There is no tunnel nobody: "pptp-gateway tunnels" lists them.']);
    expect(readFileSync(file, 'utf8')).toBe('an older capture');
  });

  it('says when the file cannot be written, and the gateway captures no more', async () => {
    const { over } = capture(['-w', join(folder, 'not', 'there')]);
    expect((await over).at(-1)).toMatch(/^CAPTURE_FILE: .*not\/there cannot be written \(ENOENT.*choose another/);
    await expect.poll(() => lab.gateway.probes.active).toBeUndefined();
  });

  it('ends quietly when what it writes to has seen enough', async () => {
    const closed = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
    const { over } = capture(['-w', '-'], async () => closed);
    expect(await over).toEqual([
      BEGUN,
      expect.stringMatching(/^0 packets \(gre 0\) .*: (stopped|nobody read any more)$/),
    ]);
    await expect.poll(() => lab.gateway.probes.active).toBeUndefined();
  });

  it('the second Ctrl-C does not wait for a file that cannot be finished', async () => {
    const stuck = new Writable({ write: () => undefined });
    const { over, begun, interrupt } = capture(['-w', '-'], async () => stuck);
    await begun;
    interrupt();
    interrupt();
    expect((await over).at(-1)).toMatch(/: (stopped|nobody read any more)$/);
  });

  it('Ctrl-C does not wait for a reader of a named pipe either', async () => {
    let sayOpening: () => void = () => undefined;
    const opening = new Promise<void>((resolve) => {
      sayOpening = resolve;
    });
    const { over, interrupt } = capture(['-w', 'pipe'], (path, signal) => {
      sayOpening();
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new GatewayError('CAPTURE_FILE', `nobody reads ${path}.`)));
      });
    });
    await opening;
    interrupt();
    expect(await over).toEqual(['CAPTURE_FILE: nobody reads pipe.']);
    await expect.poll(() => lab.gateway.probes.active).toBeUndefined();
  });

  it('leaves standard output in order when the gateway goes away', async () => {
    const out = await openCaptureFile('-');
    const failed = new Error('the source failed');
    out.on('error', () => undefined).destroy(failed);
    await expect.poll(() => out.closed).toBe(true);
    expect(process.stdout).toMatchObject({ destroyed: false, errored: null });
  });

  it('does not write to a terminal', async () => {
    const { isTTY } = process.stdout;
    process.stdout.isTTY = true;
    try {
      expect((await capture(['-w', '-']).over).at(-1)).toMatch(/^CAPTURE_FILE: standard output is a terminal/);
    } finally {
      process.stdout.isTTY = isTTY;
    }
  });

  it('ends well with the gateway', async () => {
    const { over, begun } = capture(['--point', 'ppp', '-w', file]);
    await begun;
    await send(1);
    await rig.server.stop();
    expect((await over).at(-1)).toBe('1 packets (ppp 1) in 0 s: the gateway stops');
    expect(readPcapng(readFileSync(file))).toMatchObject({
      packets: [{ point: 'ppp' }],
      statistics: [{ delivered: 1 }],
    });
  });

  it.each<[string, readonly string[], RegExp]>([
    ['no file', [], /required option '-w, --write <file>'/],
    ['a point that there is not', ['--point', 'ether', '-w', 'x'], /One of gre, ppp, decrypted, tun\./],
    ['no packets', ['--packets', '0', '-w', 'x'], /A whole number from 1 on\./],
    ['more seconds than a day has', ['--seconds', '86401', '-w', 'x'], /At most 86400, a day\./],
    ['tunnel and user', ['--tunnel', 'a', '--user', 'b', '-w', 'x'], /cannot be used with option/],
  ])('refuses %s', async (_what, argv, sentence) => {
    expect((await capture(argv).over).join('\n')).toMatch(sentence);
  });
});
