import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuthEffect, AuthMethod, AuthVerdict } from '../../core/ports/auth.ts';
import type { RandomSource } from '../../core/ports/random.ts';
import { parseChap } from '../../core/wire/chap.ts';
import { parsePap } from '../../core/wire/pap.ts';
import { chapMd5Method } from '../../plugins/auth-chap-md5/index.ts';
import { msChapV1Method } from '../../plugins/auth-ms-chap-v1/index.ts';
import { msChapV2Method } from '../../plugins/auth-ms-chap-v2/index.ts';
import { papMethod } from '../../plugins/auth-pap/index.ts';
import { addUser, UserFileAuthenticator } from '../../plugins/backend-user-file/index.ts';
import { asPeer, driving, kinds, sent } from '../support/auth-dialogue.ts';
import { type CapturedFrame, readPptpCapture } from '../support/pptp-capture.ts';

/** What real clients proved in the sessions of test/captures; see its README for names and password. */
const PASSWORD = 'clientPass';
let folder = '';
let users: UserFileAuthenticator;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pptp-captured-'));
  const file = join(folder, 'users.json');
  await addUser(file, { name: 'vpnuser', password: PASSWORD, storePassword: true });
  users = new UserFileAuthenticator(file);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The octets that the recorded server chose. */
const chosen = (identifier: number, challenge: Uint8Array): RandomSource => ({
  bytes: (length) => (length === 1 ? Uint8Array.of(identifier) : challenge.slice()),
});

const authFrames = (name: string): readonly CapturedFrame[] =>
  readPptpCapture(name).filter(({ protocol }) => protocol === 0xc223 || protocol === 0xc023);

const frameOf = (frames: readonly CapturedFrame[], from: CapturedFrame['from'], code: number): Uint8Array => {
  const frame = frames.find((one) => one.from === from && one.information[0] === code);
  if (frame === undefined) throw new Error(`no frame with code ${code}`);
  return frame.information;
};

const answered = async (effects: readonly AuthEffect[]): Promise<AuthVerdict> => {
  const effect = effects.find((one) => one.kind === 'verify');
  if (effect?.kind !== 'verify') throw new Error('nothing to verify');
  const answer = await users.verify(effect.method, effect.request, new AbortController().signal);
  if (answer.ok) return answer;
  const { denial } = answer;
  if (denial === 'unknown-user') throw new Error('the users file does not know the user');
  return { ok: false, denial };
};

const CHAP_SESSIONS: readonly (readonly [string, AuthMethod])[] = [
  ['pptpd-chap-none', chapMd5Method()],
  ['accel-ppp-chap-none', chapMd5Method()],
  ['pptpd-mschap-none', msChapV1Method()],
  ['pptpd-mschap-128', msChapV1Method()],
  ['pptpd-mschap-v2-none', msChapV2Method()],
  ['pptpd-mschap-v2-40', msChapV2Method()],
  ['pptpd-mschap-v2-128', msChapV2Method()],
  ['accel-ppp-mschap-v2-128', msChapV2Method()],
];

describe.each(CHAP_SESSIONS)('%s', (name, method) => {
  const frames = authFrames(name);
  const challenge = parseChap(frameOf(frames, 'server', 1));
  if (challenge?.kind !== 'challenge') throw new Error('no Challenge');

  test('our server lets the recorded client in', async () => {
    const random = chosen(challenge.identifier, challenge.value);
    const machine = method.begin({ role: 'authenticator', localName: challenge.name, random });
    const { start, feed, judge } = driving(machine, 0xc223);
    expect(parseChap(sent(start()))).toEqual(challenge);
    const done = judge(await answered(feed(frameOf(frames, 'client', 2))));
    expect(kinds(done)).toEqual(['send', 'accept']);
    expect(done[1]).toMatchObject({ kind: 'accept', identity: 'vpnuser' });
    expect(done[1]?.kind === 'accept' && done[1].keys !== undefined).toBe(method.yieldsKeys);
  });

  test('a client with another password would not get in', async () => {
    const random = chosen(challenge.identifier, challenge.value);
    const { start, feed } = driving(method.begin({ role: 'authenticator', localName: '', random }), 0xc223);
    start();
    const response = frameOf(frames, 'client', 2).slice();
    response[36] = (response[36] ?? 0) ^ 1;
    response[8] = (response[8] ?? 0) ^ 1;
    expect(await answered(feed(response))).toEqual({ ok: false, denial: 'bad-credentials' });
  });
});

describe.each(CHAP_SESSIONS.filter(([, { name }]) => name !== 'ms-chap-v2'))('%s', (name, method) => {
  const frames = authFrames(name);

  test('our client gives the proof that pppd gave, and takes the recorded Success', () => {
    const { feed } = driving(asPeer(method, PASSWORD), 0xc223);
    const ours = parseChap(sent(feed(frameOf(frames, 'server', 1))));
    const theirs = parseChap(frameOf(frames, 'client', 2));
    expect(ours).toEqual(theirs);
    expect(kinds(feed(frameOf(frames, 'server', 3)))).toEqual(['accept']);
  });
});

describe('pptpd-pap-none', () => {
  const frames = authFrames('pptpd-pap-none');

  test('our server lets the recorded client in', async () => {
    const { start, feed, judge } = driving(asServer(papMethod()), 0xc023);
    start();
    const done = judge(await answered(feed(frameOf(frames, 'client', 1))));
    expect(kinds(done)).toEqual(['send', 'accept']);
    expect(parsePap(sent(done))).toMatchObject({ kind: 'ack', identifier: frameOf(frames, 'client', 1)[1] });
  });

  test('our client asks as pppd did, and takes the recorded Ack', () => {
    const theirs = parsePap(frameOf(frames, 'client', 1));
    const random: RandomSource = { bytes: (length) => new Uint8Array(length).fill(theirs?.identifier ?? 0) };
    const peer = papMethod().begin({ role: 'peer', localName: 'vpnuser', password: PASSWORD, random });
    const { start, feed } = driving(peer, 0xc023);
    expect(parsePap(sent(start()))).toEqual(theirs);
    expect(kinds(feed(frameOf(frames, 'server', 2)))).toEqual(['accept']);
  });
});

const asServer = (method: AuthMethod) =>
  method.begin({ role: 'authenticator', localName: 'gw', random: chosen(0, new Uint8Array(16)) });
