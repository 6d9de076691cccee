import { describe, expect, it } from 'vitest';
import { toHex } from '../../core/bytes/hex.ts';
import { ntPasswordHash } from '../../core/crypto/ms-chap-v2.ts';
import type { AuthMethod } from '../../core/ports/auth.ts';
import { PPP, pppHeaderLength, pppProtocol, readPppHeader } from '../../core/wire/ppp.ts';
import { type LoadedPlugin, withOptions } from '../../gateway/plugin-loader.ts';
import { chapMd5Method } from '../../plugins/auth-chap-md5/index.ts';
import { eapMd5, eapMethod, eapMsChapV2, eapPlugin } from '../../plugins/auth-eap/index.ts';
import { msChapV1Method } from '../../plugins/auth-ms-chap-v1/index.ts';
import { msChapV2Method } from '../../plugins/auth-ms-chap-v2/index.ts';
import { papMethod } from '../../plugins/auth-pap/index.ts';
import { GatewayLab, type LabPeer, SERVER } from '../support/gateway-lab.ts';
import { sentFrom } from '../support/gre-packets.ts';
import { undocumented } from '../support/trace-check.ts';

const PASSWORD = 'wonderland-is-far';
const WRONG = 'through-the-mirror';
const NEW = 'looking-glass-house';
/** Octets of an authentication packet that in a row are no coincidence. */
const WINDOW = 6;
const AUTH: ReadonlySet<number> = new Set([PPP.pap, PPP.chap, PPP.eap]);

/** What follows code, identifier and length of every authentication packet that crossed the wire. */
const proofs = (lab: GatewayLab, client: LabPeer): Uint8Array[] =>
  [SERVER, client.outer].flatMap((source) =>
    sentFrom(source, lab.wire.seen).flatMap(({ payload }) => {
      const header = readPppHeader(payload, 0, payload.length);
      if (header < 0 || !AUTH.has(pppProtocol(header))) return [];
      return [payload.slice(pppHeaderLength(header) + 4)];
    }),
  );

const windows = (bytes: Uint8Array): Uint8Array[] =>
  Array.from({ length: Math.max(0, bytes.length - WINDOW + 1) }, (_, at) => bytes.subarray(at, at + WINDOW))
    // Reserved fields are zeros, and so are the ids of the traces in memory.
    .filter((window) => window.some((octet) => octet !== 0));

/** Every way in which these octets could have got into a text. */
const spellings = (bytes: Uint8Array): string[] => [toHex(bytes), toHex(bytes).toUpperCase(), [...bytes].join(',')];

const expectNoSecret = (lab: GatewayLab, clients: readonly LabPeer[]): void => {
  const traces = [...lab.telemetry.traces, ...clients.flatMap(({ telemetry }) => telemetry.traces)];
  const told = JSON.stringify(traces);
  const octets = clients.flatMap((client) => proofs(lab, client));
  expect(octets.length).toBeGreaterThan(0);
  const hashes = [PASSWORD, WRONG, NEW].map((password) => ntPasswordHash(password));
  const found = [...octets, ...hashes].flatMap(windows).flatMap(spellings);
  expect(found.filter((spelling) => told.includes(spelling))).toEqual([]);
  // MS-CHAPv2 answers in text: S=, E=, C= and their values.
  expect(told).not.toMatch(/S=[0-9A-F]{8}|C=[0-9A-F]{8}/);
  for (const password of [PASSWORD, WRONG, NEW]) expect(told).not.toContain(password);
  expect(undocumented(traces)).toEqual([]);
};

describe('no span holds a secret', () => {
  it.each<[string, AuthMethod, string, readonly LoadedPlugin[]]>([
    ['PAP', papMethod(), 'pap', []],
    ['CHAP-MD5', chapMd5Method(), 'chap-md5', []],
    ['MS-CHAPv1', msChapV1Method(), 'ms-chap-v1', []],
    ['MS-CHAPv2', msChapV2Method(), 'ms-chap-v2', []],
    ['EAP-MD5', eapMethod([eapMd5()]), 'eap', [withOptions(eapPlugin, { methods: ['md5'], maxAttempts: 3 })]],
    [
      'EAP-MS-CHAPv2',
      eapMethod([eapMsChapV2()]),
      'eap',
      [withOptions(eapPlugin, { methods: ['ms-chap-v2'], maxAttempts: 3 })],
    ],
  ])('%s: right and wrong password', async (_name, method, name, plugins) => {
    const env = { PPTP_AUTH_METHODS: name, PPTP_MPPE: 'permitted' };
    const lab = await GatewayLab.start({ users: { alice: { password: PASSWORD } }, env, plugins });
    const link = { encryption: 'permitted' } as const;
    const good = await lab.connect({ method, password: PASSWORD, link });
    const bad = await lab.dial({ method, password: WRONG, link });
    await lab.clock.advance(20_000);
    expect(lab.telemetry.traces.map(({ failure }) => failure?.error)).toEqual([undefined, 'authentication-failed']);
    expectNoSecret(lab, [good, bad]);
  });

  it.each([msChapV1Method(), msChapV2Method()])('$name: a changed password', async (method) => {
    const users = { alice: { password: PASSWORD, expired: true } };
    const lab = await GatewayLab.start({ users, env: { PPTP_AUTH_METHODS: method.name } });
    const client = await lab.connect({ method, password: PASSWORD, link: { newPassword: NEW } });
    expectNoSecret(lab, [client]);
  });
});

describe('EAP', () => {
  it('shows the refusal of a method as a round of its own', async () => {
    const plugins = [withOptions(eapPlugin, { methods: ['ms-chap-v2', 'md5'], maxAttempts: 3 })];
    const env = { PPTP_AUTH_METHODS: 'eap', PPTP_MPPE: 'permitted' };
    const lab = await GatewayLab.start({ env, plugins });
    await lab.connect({ method: eapMethod([eapMd5()]), link: { encryption: 'permitted' } });
    const rounds = lab.telemetry.traces[0]?.phases.find(({ name }) => name === 'auth')?.steps ?? [];
    expect(rounds.map(({ failure }) => failure)).toEqual([
      { error: 'method-nak', message: 'the EAP method that was offered is refused; the peer wants md5' },
      undefined,
    ]);
    expect(
      rounds.map(({ events }) => events.map(({ name, attributes }) => [name, attributes['ppp.packet.detail']])),
    ).toEqual([
      [
        ['eap.request', 'identity'],
        ['eap.response', 'identity'],
        ['eap.request', 'ms-chap-v2'],
        ['eap.nak', 'wants md5'],
      ],
      [
        ['eap.request', 'md5'],
        ['eap.response', 'md5'],
        ['eap.success', undefined],
      ],
    ]);
    expect(undocumented(lab.telemetry.traces)).toEqual([]);
  });
});
