import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../core/bytes/ascii.ts';
import { concatBytes } from '../../core/bytes/bytes.ts';
import type { Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { EncryptionPolicy, LinkOptions, MppeStrength } from '../../core/machine/ppp-link-types.ts';
import type { AuthMethod } from '../../core/ports/auth.ts';
import type { EapMethod } from '../../core/ports/eap.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { type LoadedPlugin, withOptions } from '../../gateway/plugin-loader.ts';
import { chapMd5Method } from '../../plugins/auth-chap-md5/index.ts';
import { eapMd5, eapMethod, eapMsChapV2, eapPlugin } from '../../plugins/auth-eap/index.ts';
import { eapTls } from '../../plugins/auth-eap-tls/index.ts';
import { msChapV1Method } from '../../plugins/auth-ms-chap-v1/index.ts';
import { msChapV2Method } from '../../plugins/auth-ms-chap-v2/index.ts';
import { papMethod } from '../../plugins/auth-pap/index.ts';
import { address } from '../support/batches.ts';
import { tlsEngine } from '../support/eap-tls-files.ts';
import { GatewayLab, type LabPeer, SERVER } from '../support/gateway-lab.ts';
import { contains, sentFrom } from '../support/gre-packets.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';

type Bits = 'no' | MppeStrength;
type State = 'stateless' | 'stateful';
type Compression = 'plain' | 'MPPC';

interface Mode {
  readonly bits: Bits;
  readonly state: State;
  readonly compression: Compression;
}

interface Method {
  readonly name: string;
  /** Made anew for each call. */
  readonly make: () => AuthMethod;
  /** The lengths of the keys that it yields (RFC 3079 sections 2 and 3, RFC 5216 section 2.3). */
  readonly strengths: readonly MppeStrength[];
  /** What the gateway says of a client that knows nothing else, when it must encrypt, and what that client says. */
  readonly refusal: { readonly reason: string; readonly detail: string; readonly client: RegExp };
}

const ALL_BITS: readonly Bits[] = ['no', 40, 56, 128];
const MODES: readonly Mode[] = ALL_BITS.flatMap((bits) =>
  (['stateless', 'stateful'] as const).flatMap((state) =>
    (['plain', 'MPPC'] as const).map((compression) => ({ bits, state, compression })),
  ),
);

const tls = (version: 'TLSv1.2' | 'TLSv1.3') => (): AuthMethod =>
  eapMethod([eapTls(tlsEngine('alice', { minVersion: version, maxVersion: version }))]);
const keyless = (name: string) => ({
  strengths: [],
  refusal: {
    reason: 'encryption-required',
    detail: `encryption is required and ${name} yields no keys`,
    client: /encryption required$/,
  },
});
const EVERY_STRENGTH = {
  strengths: [40, 56, 128],
  refusal: { reason: 'none', detail: 'every key length is possible', client: /^$/ },
} as const;

const METHODS: readonly Method[] = [
  { name: 'pap', make: papMethod, ...keyless('pap') },
  { name: 'chap-md5', make: chapMd5Method, ...keyless('chap-md5') },
  {
    name: 'ms-chap-v1',
    make: msChapV1Method,
    strengths: [128],
    refusal: {
      reason: 'encryption-required',
      detail: 'CCP opened without MPPE',
      client: /encryption required$|^CCP opened without MPPE/,
    },
  },
  { name: 'ms-chap-v2', make: msChapV2Method, ...EVERY_STRENGTH },
  {
    name: 'eap md5',
    make: () => eapMethod([eapMd5()]),
    strengths: [],
    refusal: {
      reason: 'authentication-failed',
      detail: 'eap: no common EAP method: we allow tls, ms-chap-v2; the peer wants md5',
      client: /^eap: no common EAP method: we allow md5; the peer asks for tls$/,
    },
  },
  { name: 'eap ms-chap-v2', make: () => eapMethod([eapMsChapV2()]), ...EVERY_STRENGTH },
  { name: 'eap tls 1.2', make: tls('TLSv1.2'), ...EVERY_STRENGTH },
  { name: 'eap tls 1.3', make: tls('TLSv1.3'), ...EVERY_STRENGTH },
];

const COMBINATIONS = METHODS.flatMap((method) => MODES.map((mode) => ({ ...mode, method, name: method.name })));
const possible = ({ bits, method }: { readonly bits: Bits; readonly method: Method }): boolean =>
  bits === 'no' || method.strengths.includes(bits);

/** The gateway knows every method; its own EAP-TLS takes both versions. */
const eapPlugins = (): readonly LoadedPlugin[] => {
  const method: EapMethod = eapTls(tlsEngine('server'));
  const tlsPlugin = definePlugin({
    name: 'lab-eap-tls',
    api: PLUGIN_API,
    requires: ['auth-eap'],
    register: ({ bind }) => void bind(TOKENS.EapMethod).toConstantValue(method),
  });
  return [
    withOptions(eapPlugin, { methods: ['tls', 'ms-chap-v2', 'md5'], maxAttempts: 3 }),
    withOptions(tlsPlugin, undefined),
  ];
};

const startLab = ({ bits, state, compression }: Mode, policy: EncryptionPolicy): Promise<GatewayLab> => {
  const wish = (wanted: boolean): string => (wanted ? 'prefer' : 'off');
  return GatewayLab.start({
    plugins: eapPlugins(),
    env: {
      PPTP_AUTH_METHODS: 'eap,ms-chap-v2,ms-chap-v1,chap-md5,pap',
      PPTP_MPPE: policy,
      PPTP_MPPE_STRENGTHS: bits === 'no' ? '' : String(bits),
      PPTP_MPPE_STATEFUL: wish(state === 'stateful'),
      PPTP_MPPC: wish(compression === 'MPPC'),
    },
  });
};

/** More turns of the event loop than this, and TLS has come to a standstill. */
const MOST_TURNS = 1_000_000;

/** Dials, and gives TLS, which works in real time, the turns that it needs before virtual time goes on. */
const dial = async (lab: GatewayLab, method: Method, link: Partial<LinkOptions> = {}): Promise<LabPeer> => {
  const client = await lab.dial({ method: method.make(), link });
  const over = (): boolean => client.peer.network !== undefined || client.events.length > 0;
  if (method.name.startsWith('eap tls')) {
    for (let turn = 0; turn < MOST_TURNS && !over(); turn += 1) await lab.clock.advance(0);
  }
  await lab.clock.advance(1_000);
  return client;
};

const INTRANET = address('10.0.0.80');
const WORDS = asciiBytes('nobody on the way may read this line. ');
const TEXT = concatBytes(...Array.from({ length: 12 }, () => WORDS));
const PACKETS = 3;

const numbered = (source: Ipv4, destination: Ipv4, n: number): Uint8Array =>
  ipv4Packet({ source, destination, payload: concatBytes(Uint8Array.of(n), TEXT), identification: n });

/** What the gateway's log calls it. */
const nameOf = ({ bits, state, compression }: Mode): string => {
  const mppc = compression === 'MPPC';
  if (bits === 'no') return mppc ? `MPPC ${state}` : 'none';
  return `MPPE ${bits} ${state}${mppc ? ' + MPPC' : ''}`;
};

/** The user data among PPP frames, without address, control and protocol fields. */
const userData = (frames: readonly Uint8Array[]): { protocol: number; data: Uint8Array }[] =>
  frames
    .map((frame) => (frame[0] === 0xff && frame[1] === 0x03 ? frame.subarray(2) : frame))
    .map((frame) => (frame[0] === 0 ? frame.subarray(1) : frame))
    .map((frame) => ({ protocol: frame[0] ?? -1, data: frame.subarray(1) }))
    .filter(({ protocol }) => protocol === 0x21 || protocol === 0xfd);

/** The bits A, C and D before a packet of CCP's (RFC 3078 section 3, RFC 2118 section 4.1). */
const headerBits = (data: Uint8Array): { flushed: boolean; compressed: boolean; encrypted: boolean } => {
  const first = data[0] ?? 0;
  return { flushed: (first & 0x80) !== 0, compressed: (first & 0x20) !== 0, encrypted: (first & 0x10) !== 0 };
};

const expectOnWire = ({ bits, state, compression }: Mode, frames: readonly Uint8Array[]): void => {
  const packets = userData(frames);
  expect(packets).toHaveLength(PACKETS);
  const encrypted = bits !== 'no';
  const compressed = compression === 'MPPC';
  const clear = !encrypted && !compressed;
  expect(packets.map(({ protocol }) => protocol)).toEqual(packets.map(() => (clear ? 0x21 : 0xfd)));
  expect(packets.map(({ data }) => contains(data, TEXT))).toEqual(packets.map(() => clear));
  if (encrypted) expect(frames.some((frame) => contains(frame, WORDS))).toBe(false);
  expect(packets.map(({ data }) => data.length < TEXT.length / 2)).toEqual(packets.map(() => compressed));
  if (clear) return;
  expect(packets.map(({ data }) => headerBits(data))).toEqual(
    packets.map(() => ({ flushed: state === 'stateless', compressed, encrypted })),
  );
};

describe('our client calls our gateway, which knows every method', () => {
  it.each(COMBINATIONS.filter(possible))('$name, $bits bits, $state, $compression', async ({ method, ...mode }) => {
    const lab = await startLab(mode, mode.bits === 'no' ? 'disabled' : 'required');
    const client = await dial(lab, method);
    const { network, encryption } = client.peer;
    if (network === undefined) throw new Error(`no tunnel: ${JSON.stringify(client.events)}`);

    expect(lab.log.lines.filter(({ event }) => event === 'session.up').map(({ fields }) => fields)).toMatchObject([
      { user: 'alice', encryption: nameOf(mode) },
    ]);
    if (nameOf(mode) === 'none') expect(encryption).toBeUndefined();
    else {
      const way = { stateless: mode.state === 'stateless', compression: mode.compression === 'MPPC' };
      const strength = mode.bits === 'no' ? undefined : mode.bits;
      expect(encryption).toMatchObject({ strength, ...way, receive: way });
    }

    for (let n = 0; n < PACKETS; n += 1) {
      const up = numbered(network.address, INTRANET, n);
      const down = numbered(INTRANET, network.address, n);
      client.tun.hostSends(up);
      lab.tun.hostSends(down);
      await lab.clock.advance(10);
      expect([lab.tun.hostReceives(), client.tun.hostReceives()]).toEqual([up, down]);
    }
    for (const source of [client.outer, SERVER]) {
      expectOnWire(
        mode,
        sentFrom(source, lab.wire.seen).map(({ payload }) => payload),
      );
    }
    expect([...lab.telemetry.drops, ...client.telemetry.drops]).toEqual([]);
  });
});

const REFUSED = COMBINATIONS.filter((combination) => !possible(combination));

/** No tunnel, nobody's packets anywhere, and the call gone at both ends. */
const expectNothing = async (lab: GatewayLab, client: LabPeer): Promise<void> => {
  expect(client.peer.network).toBeUndefined();
  expect(lab.log.lines.filter(({ event }) => event === 'session.up')).toEqual([]);
  expect(client.events.filter(({ kind }) => kind === 'up')).toEqual([]);
  client.tun.hostSends(numbered(INTRANET, SERVER, 0));
  await lab.clock.advance(60_000);
  expect(lab.tun.hostReceives()).toBeUndefined();
  expect(lab.wire.seen.some(({ bytes }) => contains(bytes, WORDS))).toBe(false);
  expect(lab.gateway.sessions()).toBe(0);
};
const closings = (lab: GatewayLab) =>
  lab.log.lines.filter(({ event }) => event === 'session.closed').map(({ fields }) => fields);

describe('our gateway requires what the method of our client cannot give', () => {
  it.each(REFUSED)('$name, $bits bits, $state, $compression', async ({ method, ...mode }) => {
    for (const encryption of ['permitted', 'required'] as const) {
      const lab = await startLab(mode, 'required');
      const client = await dial(lab, method, { encryption });
      await expectNothing(lab, client);
      const { reason, detail } = method.refusal;
      expect(closings(lab)).toMatchObject([{ reason, detail: expect.stringContaining(detail) }]);
      expect(client.events.map(({ kind }) => kind)).toContain('call-closed');
      const known = client.events.find(({ kind }) => kind === 'link-closed') ?? client.peer.failing;
      expect(known).toMatchObject({ detail: expect.stringMatching(method.refusal.client) });
    }
  });
});

describe('our client requires what its method cannot give', () => {
  it.each(REFUSED)('$name, $bits bits, $state, $compression', async ({ method, ...mode }) => {
    const lab = await startLab(mode, 'permitted');
    const client = await dial(lab, method, { encryption: 'required' });
    await expectNothing(lab, client);
    const why = method.strengths.length === 0 ? 'yields no MPPE keys' : 'CCP opened without MPPE';
    expect(client.events.find(({ kind }) => kind === 'link-closed')).toMatchObject({
      reason: 'encryption-required',
      detail: expect.stringContaining(why),
    });
    expect(closings(lab)).toMatchObject([{ setupDetail: 'the peer terminated the link: encryption required' }]);
  });
});
