import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { traceRoute } from '../../gateway/admin/routes/trace.ts';
import { runningGateway } from '../../gateway/cli/running-gateway.ts';
import { addTraceVerb } from '../../gateway/cli/trace.ts';
import { type AdminRig, adminRig } from '../support/admin-rig.ts';
import { address } from '../support/batches.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';
import { memoryTerminal } from '../support/memory-terminal.ts';
import { traced } from '../support/packet-traces.ts';

const INTRANET = address('10.0.0.80');

let lab: GatewayLab;
let rig: AdminRig;
let traces: ReturnType<typeof traced>['traces'];
beforeEach(async () => {
  lab = await GatewayLab.start();
  const of = traced(lab.gateway, { perSecond: 5 });
  traces = of.traces;
  rig = await adminRig({ gateway: lab.gateway, clock: lab.clock, routes: [traceRoute(of.tracing)] });
});
afterEach(() => rig.stop());

/** What `pptp-gateway trace ...` prints, or the code of its error and its sentence. */
async function trace(...argv: string[]): Promise<string> {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const terminal = memoryTerminal({ out: write, err: write });
  const program = new Command().exitOverride().configureOutput({ writeErr: (text) => write(text.trimEnd()) });
  addTraceVerb({
    program,
    terminal,
    action: (command, work) =>
      command.action(async () => {
        await work(runningGateway({ admin: { socket: rig.socket } }), ...command.args);
      }),
  });
  try {
    await program.parseAsync(['trace', ...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    write(`${String(error.code)}: ${error.message}`);
  }
  return lines.join('\n');
}

describe('pptp-gateway trace', () => {
  it('adds a rule, for ten minutes; list shows it, stop ends it', async () => {
    expect(await trace('list')).toBe('no rules\nsince the start 0 packets were traced');
    expect(await trace()).toBe('rule 1 traces packets, for 600 s; its spans have pptp.packet.rule = 1');
    expect(await trace('--user', 'alice', '--packets', '20', '--drops', '--ratio', '0.5', '--for', '1h')).toBe(
      'rule 2 traces the next 20 packets of user alice that are dropped, a share of 0.5, for 3600 s; its spans have pptp.packet.rule = 2',
    );
    expect(await trace('list')).toBe(
      [
        'RULE  TRACED  NOT TRACED  WHAT',
        '1          0           0  packets, for 600 s',
        '2          0           0  the next 20 packets of user alice that are dropped, a share of 0.5, for 3600 s',
        'since the start 0 packets were traced',
      ].join('\n'),
    );
    expect(await trace('stop', '1')).toBe('rule 1 has ended');
    expect(await trace('stop')).toBe('rule 2 has ended');
    expect(await trace('stop')).toBe('no rules');
    expect(lab.gateway.probes.active).toBeUndefined();
    expect(rig.log.lines.map(({ event }) => event)).toEqual([
      'packet-traces.started',
      'packet-traces.started',
      'packet-traces.stopped',
      'packet-traces.stopped',
    ]);
    expect(rig.log.lines[1]?.fields).toMatchObject({ rule: '2', user: 'alice', packets: 20, by: expect.any(String) });
  });

  it('traces a tunnel that is there, and says so of one that is not', async () => {
    const alice = await lab.connect();
    const [tunnel] = lab.gateway.tunnels();
    expect(await trace('--tunnel', tunnel?.session.id ?? '')).toContain(`packets of tunnel ${tunnel?.session.id}`);
    expect(await trace('--tunnel', 'nonesuch')).toBe('ADMIN_REFUSED: There is no tunnel nonesuch.');
    for (let i = 0; i < 8; i += 1) {
      alice.tun.hostSends(ipv4Packet({ source: alice.address, destination: INTRANET, payload: new Uint8Array(8) }));
    }
    await lab.clock.advance(1);
    expect(traces).toHaveLength(5);
    expect(await trace('list')).toContain(
      'since the start 5 packets were traced, and 3 not: more than PPTP_TRACE_PACKETS_PER_SECOND',
    );
    await lab.clock.advance(1_000);
    alice.tun.hostSends(ipv4Packet({ source: alice.address, destination: INTRANET, payload: new Uint8Array(8) }));
    await lab.clock.advance(1);
    // Three of the eight, and the acknowledgment of all.
    const suppressed = traces.filter(({ direction }) => direction === 'in').map((one) => one.suppressed);
    expect(suppressed).toEqual([3, 0, 0, 0, 0, 1]);
    expect(JSON.parse(await trace('list', '--json'))).toMatchObject({ rules: [{ suppressed: 4 }], suppressed: 4 });
  });

  it('says what is wrong with what was asked', async () => {
    expect(await trace('--ratio', '2')).toContain('A number above 0, 1 at most');
    expect(await trace('--packets', '0')).toContain('A whole number from 1 to 1000000.');
    expect(await trace('--tunnel', 'a', '--user', 'b')).toContain("cannot be used with option '--tunnel <id>'");
    expect(await trace('stop', '7')).toBe('ADMIN_REFUSED: There is no rule 7; it may have ended by itself.');
    for (let i = 0; i < 16; i += 1) await trace();
    expect(await trace()).toBe('ADMIN_REFUSED: There are 16 rules already: end one with "trace stop".');
  });

  it('needs somebody who collects traces', async () => {
    await rig.stop();
    rig = await adminRig({ gateway: lab.gateway, clock: lab.clock, routes: [traceRoute(undefined)] });
    for (const argv of [[], ['list'], ['stop', '1']]) {
      expect(await trace(...argv)).toContain('ADMIN_REFUSED: Nobody collects traces: start the gateway with OTEL_');
    }
  });
});
