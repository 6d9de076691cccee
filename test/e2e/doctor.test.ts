import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAIN, notBuilt } from '../support/built.ts';
import { connect, Netns, netnsUnavailable } from '../support/netns.ts';
import { Program } from '../support/program.ts';

const reason = netnsUnavailable('nft') ?? notBuilt();

const HOST = '203.0.113.1';
const PASSWORD = 'wonder land';

interface Told {
  readonly code: number;
  readonly findings: readonly { check: string; severity: string; message: string; advice?: string }[];
}

/*   client namespace 203.0.113.2 ---- 203.0.113.1 host namespace: the one under the doctor's eyes   */
describe.skipIf(reason !== undefined)(`doctor in a network namespace${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let host: Netns;
  let client: Netns;
  let folder: string;
  const programs: Program[] = [];
  let extra: Record<string, string> = {};

  beforeEach(() => {
    extra = {};
    host = new Netns('dh');
    client = new Netns('dk');
    connect(
      { ns: host, device: 'wan0', addresses: [`${HOST}/24`] },
      { ns: client, device: 'up0', addresses: ['203.0.113.2/24'] },
    );
    host.ip('route', 'add', 'default', 'via', '203.0.113.2');
    client.ip('route', 'add', 'default', 'via', HOST);
    folder = mkdtempSync(join(tmpdir(), 'pptp-doctor-'));
    const [program, args] = host.inside(process.execPath, MAIN, 'users', 'add', 'alice');
    execFileSync(program, [...args], { env: environment(), input: `${PASSWORD}\n` });
  });
  afterEach(async () => {
    for (const program of programs.splice(0)) await program.end('SIGKILL');
    for (const ns of [host, client]) ns.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  const environment = () => ({ ...process.env, PPTP_STATE_DIR: folder, PPTP_LOG_FORMAT: 'json', ...extra });
  const start = (ns: Netns, ...words: readonly string[]): Program => {
    const program = new Program(ns, [process.execPath, ...words], environment());
    programs.push(program);
    return program;
  };
  const gateway = async (): Promise<void> => {
    await start(host, MAIN, 'run').says(/"gateway.ready"/);
  };
  const ask = (ns: Netns, ...flags: readonly string[]): Promise<{ code: number; text: string }> => {
    const [program, args] = ns.inside(process.execPath, MAIN, 'doctor', ...flags);
    return new Promise((resolve) => {
      execFile(program, [...args], { env: environment() }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), text: `${stdout}${stderr}` });
      });
    });
  };
  const doctor = async (ns: Netns, ...flags: readonly string[]): Promise<Told> => {
    const { code, text } = await ask(ns, '--json', ...flags);
    return { code, ...(JSON.parse(text) as Pick<Told, 'findings'>) };
  };
  const wrong = ({ findings }: Told): string[] =>
    findings.filter((one) => one.severity !== 'ok').map((one) => `${one.severity} ${one.check}: ${one.message}`);
  const about = ({ findings }: Told, check: string): string[] =>
    findings.filter((one) => one.check === check).map((one) => one.message);
  const rule = (...words: readonly string[]): string => host.run('nft', words.join(' '));
  const filter = (hook: string, policy: string): void => {
    rule('add table inet filter');
    rule(`add chain inet filter ${hook} { type filter hook ${hook} priority 0; policy ${policy}; }`);
  };

  it('finds nothing in the way of a host that will do, and changes nothing there', async () => {
    const portrait = () => [
      host.run('nft', 'list', 'ruleset'),
      host.ip('-4', 'route'),
      host.ip('-o', 'link').replace(/qlen.*$/gm, ''),
      host.run('cat', '/proc/sys/net/ipv4/ip_forward'),
    ];
    const before = portrait();
    const { code, text } = await ask(host);
    expect(text).toMatch(/\n(Nothing is in the way\.|0 failures, \d warnings?\.)\n$/);
    expect(text).toContain('There are no firewall rules');
    expect(text).toContain('a GRE packet from 127.0.0.1 to itself arrives');
    expect(text).not.toContain(PASSWORD);
    expect(code).toBe(0);
    expect(portrait()).toEqual(before);
  });

  it('names the rule that drops GRE', async () => {
    filter('input', 'accept');
    rule('add rule inet filter input ct state established,related accept');
    rule('add rule inet filter input ip protocol 47 counter drop comment "no tunnels"');
    const told = await doctor(host);
    expect(told.code).toBe(1);
    expect(about(told, 'gre')).toEqual([
      'A GRE packet does not arrive from 127.0.0.1 to itself; the rule that the firewall check names explains it.',
    ]);
    expect(wrong(told).filter((one) => one.startsWith('fail'))).toEqual([expect.stringContaining('fail firewall')]);
    expect(about(told, 'firewall')).toEqual([
      expect.stringMatching(
        /^GRE \(IP protocol 47\) to the gateway is dropped by nftables table inet filter, chain input, rule 2 "no tunnels", handle \d+\.$/,
      ),
    ]);
  });

  it('finds what a firewall leaves out that accepts by list, and its own advice cures it', async () => {
    filter('input', 'drop');
    rule('add rule inet filter input iifname lo accept');
    rule('add rule inet filter input ct state established,related accept');
    rule('add rule inet filter input tcp dport { 22, 443 } accept');
    filter('forward', 'drop');
    const ill = await doctor(host);
    expect(about(ill, 'firewall')).toEqual([
      'GRE (IP protocol 47) to the gateway is dropped by nftables table inet filter, chain input, its policy.',
      'TCP to port 1723 is dropped by nftables table inet filter, chain input, its policy.',
      "what clients send into the intranet (the host's forwarding) is dropped by nftables table inet filter, chain forward, its policy.",
    ]);
    for (const { check, advice = '' } of ill.findings) {
      const command = /\(nft (insert rule [^)]*)\)/.exec(advice)?.[1];
      if (check === 'firewall' && command !== undefined) rule(command);
    }
    const well = await doctor(host);
    expect(about(well, 'firewall')).toEqual([
      expect.stringMatching(/base chains were looked at: GRE and TCP port 1723 pass/),
    ]);
    expect(well.code).toBe(0);
  });

  it('prints no secret', async () => {
    const secrets = {
      PPTP_TELEMETRY_HASH_KEY: 'hash-key-0123456789',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:endpoint-secret@127.0.0.1:4318/?token=endpoint-secret',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=header-secret',
    };
    Object.assign(extra, secrets);
    const { text } = await ask(host, '--json');
    expect(text).toContain('The OpenTelemetry collector 127.0.0.1 port 4318 (traces, metrics, logs) cannot be reached');
    for (const secret of ['hash-key', 'endpoint-secret', 'header-secret', PASSWORD]) expect(text).not.toContain(secret);
  });

  it('names who holds the port', async () => {
    const thief = start(host, '-e', 'require("net").createServer().listen(1723, () => console.log("listening"))');
    await thief.says(/listening/);
    const told = await doctor(host);
    expect(told.code).toBe(1);
    expect(about(told, 'control-port')).toEqual([
      expect.stringMatching(/^TCP 0\.0\.0\.0 port 1723 is held by \S+ \(process \d+\)\.$/),
    ]);
  });

  it('finds a pool that the host uses already', async () => {
    host.ip('address', 'add', '10.99.0.77/25', 'dev', 'wan0');
    const told = await doctor(host);
    expect(told.code).toBe(1);
    expect(about(told, 'pool')).toEqual(['The pool 10.99.0.0/24 holds an address of this host, 10.99.0.77 of wan0.']);
  });

  it('takes a running gateway for what it is, and a call to it gets GRE through', async () => {
    await gateway();
    const here = await doctor(host);
    expect(wrong(here).filter((line) => line.startsWith('fail'))).toEqual([]);
    expect(about(here, 'control-port')).toEqual([expect.stringContaining('is held by a running gateway (process ')]);
    expect(about(here, 'gre-users')).toEqual([expect.stringContaining('Only a running gateway uses GRE.')]);
    expect(about(here, 'running')).toEqual(['A gateway runs and answers; it has 0 tunnels.']);

    const there = await doctor(client, '--peer', HOST);
    expect(about(there, 'peer')).toEqual([
      '203.0.113.1 speaks PPTP (host name "pptp-gateway") and takes calls.',
      expect.stringMatching(/^GRE passes both ways between here and 203\.0\.113\.1 \(\d+ ms\)\.$/),
    ]);
  });

  it('hears nothing where GRE is filtered', async () => {
    await gateway();
    filter('input', 'accept');
    filter('output', 'accept');
    rule('add rule inet filter input ip protocol 47 drop');
    rule('add rule inet filter output ip protocol 47 drop');
    const told = await doctor(client, '--peer', HOST);
    expect(told.code).toBe(1);
    expect(about(told, 'peer')[1]).toBe(
      'The call to 203.0.113.1 is up, but no GRE comes back: IP protocol 47 is filtered on the way, or the server is silent.',
    );
  });

  it('knows one direction from two', async () => {
    await gateway();
    filter('input', 'accept');
    rule('add rule inet filter input ip protocol gre drop');
    const told = await doctor(client, '--peer', HOST);
    expect(about(told, 'peer')[1]).toBe(
      'GRE of 203.0.113.1 arrives here, but ours does not arrive there: it acknowledges nothing.',
    );
  });

  it('knows that GRE is no part of a known connection', async () => {
    filter('input', 'drop');
    rule('add rule inet filter input iifname lo accept');
    rule('add rule inet filter input ct state established,related accept');
    rule('add rule inet filter input tcp dport 1723 accept');
    const told = await doctor(host);
    expect(about(told, 'conntrack')).toEqual([expect.stringContaining('connection tracking does not know PPTP')]);
    expect(wrong(told).filter((one) => one.startsWith('fail'))).toEqual([
      expect.stringContaining('fail firewall: GRE'),
    ]);
    expect(told.code).toBe(1);
  });

  it('hears who refuses GRE', async () => {
    await gateway();
    filter('input', 'accept');
    filter('output', 'accept');
    rule('add rule inet filter output ip protocol 47 drop');
    rule('add rule inet filter input ip protocol 47 reject with icmp type prot-unreachable');
    // The gateway's own table keeps this answer back, and would here.
    host.run('nft', 'flush', 'chain', 'ip', 'pptp_gateway_pptp0', 'output');
    const told = await doctor(client, '--peer', HOST);
    expect(about(told, 'peer')[1]).toBe(
      '203.0.113.1 answers GRE with "protocol unreachable": nothing there takes IP protocol 47.',
    );
  });

  it('knows a port where nothing listens from one where something else does', async () => {
    const closed = await doctor(client, '--peer', `${HOST}:1724`);
    expect(about(closed, 'peer')).toEqual(['The control connection to 203.0.113.1 port 1724 failed.']);
    expect(closed.findings.at(-1)?.advice).toContain('ECONNREFUSED');
    const web = `require("net").createServer((s) => s.end("HTTP/1.1 400 Bad Request\\r\\n\\r\\n")).listen(1724, () => console.log("ready"))`;
    await start(host, '-e', web).says(/ready/);
    const other = await doctor(client, '--peer', `${HOST}:1724`);
    expect(about(other, 'peer')).toEqual([
      expect.stringMatching(
        /^203\.0\.113\.1 port 1724 takes TCP connections but does not speak PPTP: what it sends is no control message/,
      ),
    ]);
  });
});
