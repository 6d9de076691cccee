import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../../core/bytes/hex.ts';
import type { AuthEffect } from '../../../core/ports/auth.ts';
import { parseChap, parseMsChapFailure, writeChap } from '../../../core/wire/chap.ts';
import { parseMsChapV2Change, writeMsChapV2Change } from '../../../core/wire/ms-chap.ts';
import { msChapV2Method } from '../../../plugins/auth-ms-chap-v2/index.ts';
import { asAuthenticator, asPeer, driving, kinds, sent, talk } from '../../support/auth-dialogue.ts';
import { OneUser } from '../../support/one-user.ts';

const CHAP = 0xc223;
const CHANGE = { ok: false, denial: 'expired' } as const;

const verifyIn = (effects: readonly AuthEffect[]) => {
  const effect = effects.find((one) => one.kind === 'verify');
  if (effect?.kind !== 'verify') throw new Error('nothing to verify');
  return effect;
};
const bodyOf = (frame: string | undefined): Uint8Array => fromHex(frame?.split(' ')[1] ?? '');

test('section 7: the packet has 586 octets, and its fields stand where they belong', () => {
  const change = {
    encryptedPassword: new Uint8Array(516).fill(1),
    encryptedHash: new Uint8Array(16).fill(2),
    peerChallenge: new Uint8Array(16).fill(3),
    ntResponse: new Uint8Array(24).fill(4),
  };
  const data = writeMsChapV2Change(change);
  const fields = [1, 2, 3, 0, 4, 0].map((octet, i) => octetsOf(octet, [516, 16, 16, 8, 24, 2][i] ?? 0)).join('');
  expect(toHex(data)).toBe(fields);
  const packet = writeChap({ kind: 'other', code: 7, identifier: 9, data });
  expect(packet).toHaveLength(586);
  expect(toHex(packet.subarray(0, 4))).toBe('0709024a');
  expect(parseMsChapV2Change(data)).toEqual(change);
  for (const length of [0, 581, 583]) expect(parseMsChapV2Change(new Uint8Array(length))).toBeUndefined();
});

const octetsOf = (octet: number, count: number): string => octet.toString(16).padStart(2, '0').repeat(count);

describe('9.1.6 successful authentication with password change', () => {
  test('Challenge, Response, Failure 648, Change-Password (++ID), Success: both in, with keys of the new password', () => {
    const user = new OneUser('clientPass', true);
    const method = msChapV2Method();
    const { frames, outcomes, authenticator } = talk(
      asAuthenticator(method),
      asPeer(method, 'clientPass', 'newPass'),
      user.verify,
    );
    expect(frames.map((frame) => frame.slice(0, frame.indexOf(' ') + 5))).toEqual([
      'authenticator 0140',
      'peer 0240',
      'authenticator 0440',
      'peer 0741',
      'authenticator 0341',
    ]);
    const failure = parseChap(bodyOf(frames[2]));
    expect(failure?.kind === 'failure' ? failure.message : '').toMatch(/^E=648 R=0 C=[0-9A-F]{32} V=3 M=/);
    expect(user.password).toBe('newPass');
    const { authenticator: server, peer: client } = outcomes;
    if (server?.kind !== 'accept' || client?.kind !== 'accept') throw new Error('not in');
    expect(server.keys?.send).toEqual(client.keys?.receive);
    expect(server.keys?.receive).toEqual(client.keys?.send);
    // The keys are those of the new password's proof: the same dialogue without a change has others.
    const plain = talk(asAuthenticator(method), asPeer(method, 'newPass'), new OneUser('newPass').verify);
    const keysBefore = plain.outcomes.peer?.kind === 'accept' ? plain.outcomes.peer.keys : undefined;
    expect(keysBefore?.send).not.toEqual(client.keys?.send);
    expect(authenticator.filter(({ kind }) => kind === 'attempt-failed')).toEqual([
      { kind: 'attempt-failed', identity: 'vpnuser', denial: 'expired', retriesLeft: 0 },
    ]);
  });

  test('a peer without a new password gives up: expired', () => {
    const method = msChapV2Method();
    const { outcomes } = talk(
      asAuthenticator(method),
      asPeer(method, 'clientPass'),
      new OneUser('clientPass', true).verify,
    );
    expect(outcomes.peer).toEqual({ kind: 'reject', identity: 'vpnuser', denial: 'expired' });
  });

  test('the change is proven against the challenge of the Failure', () => {
    const server = driving(asAuthenticator(msChapV2Method()), CHAP);
    const client = driving(asPeer(msChapV2Method(), 'clientPass', 'newPass'), CHAP);
    server.feed(sent(client.feed(sent(server.start()))));
    const failure = sent(server.judge(CHANGE));
    const packet = parseChap(failure);
    const { challenge } = parseMsChapFailure(packet?.kind === 'failure' ? packet.message : '') ?? {};
    const effect = verifyIn(server.feed(sent(client.feed(failure))));
    expect(effect).toMatchObject({
      method: 'ms-chap-v2-change',
      request: { userName: 'vpnuser', authenticatorChallenge: challenge },
    });
  });
});

describe('9.1: response retry is never allowed after Change Password', () => {
  const changing = () => {
    const server = driving(asAuthenticator(msChapV2Method()), CHAP);
    const client = driving(asPeer(msChapV2Method(), 'clientPass', 'newPass'), CHAP);
    const response = sent(client.feed(sent(server.start())));
    server.feed(response);
    const failure = sent(server.judge(CHANGE));
    return { server, response, failure, change: sent(client.feed(failure)), client };
  };

  test.each([
    ['bad-credentials', 'E=691 R=0'],
    ['change-refused', 'E=709 R=0'],
    ['unavailable', 'E=691 R=0'],
    ['expired', 'E=648 R=0'],
  ] as const)('%s: %s and the end', (denial, start) => {
    const { server, change, client } = changing();
    server.feed(change);
    const refused = server.judge({ ok: false, denial });
    const packet = parseChap(sent(refused));
    expect(packet?.kind === 'failure' && packet.message.startsWith(start)).toBe(true);
    expect(kinds(refused)).toEqual(['send', 'attempt-failed', 'reject']);
    expect(kinds(client.feed(sent(refused)))).toEqual(['attempt-failed', 'reject']);
  });

  test('another Response instead is discarded; the first one gets its Failure again', () => {
    const { server, response, failure, change } = changing();
    expect(server.feed(response)).toEqual([{ kind: 'send', protocol: CHAP, bytes: failure }]);
    expect(server.feed(response.with(1, 0x41))).toEqual([]);
    expect(server.feed(change.with(1, 0x42))).toEqual([]);
    expect(server.feed(change.with(0, 6))).toEqual([]);
    expect(kinds(server.feed(change))).toEqual(['verify']);
    expect(server.feed(change)).toEqual([]);
  });

  test('the answer to a Response is not repeated to another packet with its identifier', () => {
    const { server, response, failure } = changing();
    expect(server.feed(response.with(0, 7))).toEqual([]);
    expect(server.feed(response)).toEqual([{ kind: 'send', protocol: CHAP, bytes: failure }]);
  });

  test('a Change-Password nobody asked for is discarded', () => {
    const { change } = changing();
    const server = driving(asAuthenticator(msChapV2Method()), CHAP);
    server.start();
    expect(server.feed(change.with(1, 0x40))).toEqual([]);
  });

  test('a change that never comes ends after the waiting time: expired', () => {
    const { server } = changing();
    expect(server.pass(60_000)).toEqual([{ kind: 'reject', identity: 'vpnuser', denial: 'expired' }]);
  });

  test('the peer repeats its Change-Password until there is an answer', () => {
    const { client, change } = changing();
    for (let n = 1; n <= 9; n += 1) expect(sent(client.pass(3000 * n))).toEqual(change);
    expect(client.pass(30_000)).toEqual([{ kind: 'reject', identity: 'vpnuser', denial: 'timeout' }]);
  });
});
