import { describe, expect, test } from 'vitest';
import { ipv4 } from '../../../core/bytes/ipv4-address.ts';
import { msChapV2MasterKeys } from '../../../core/crypto/mppe-keys.ts';
import {
  challengeResponse,
  checkAuthenticatorResponse,
  generateNtResponse,
  hashNtPasswordHash,
  ntPasswordHash,
} from '../../../core/crypto/ms-chap-v2.ts';
import { sha1 } from '../../../core/crypto/sha1.ts';
import { setEncryption } from '../../../core/datapath/mppe-state.ts';
import { PacketBatch } from '../../../core/datapath/packet-batch.ts';
import { Session } from '../../../core/datapath/session.ts';
import { MppeStage } from '../../../core/datapath/stages/mppe.stage.ts';
import type { MppeStrength } from '../../../core/machine/ppp-link-types.ts';
import { callId, sessionId } from '../../../core/ports/ids.ts';
import {
  CHAP_PROTOCOL,
  type ChapPacket,
  parseChap,
  parseMsChapV2Response,
  parseMsChapV2Success,
} from '../../../core/wire/chap.ts';
import { ipv4Fault } from '../../support/ipv4-checks.ts';
import { type CapturedFrame, readPptpCapture } from '../../support/pptp-capture.ts';

const PASSWORD_HASH = ntPasswordHash('clientPass');
const MPPE = 0x00fd;
const IPV4 = 0x0021;

const chapPackets = (frames: readonly CapturedFrame[]): ChapPacket[] =>
  frames
    .filter((frame) => frame.protocol === CHAP_PROTOCOL)
    .map((frame) => parseChap(frame.information))
    .filter((packet) => packet !== undefined);

const exchangeOf = (frames: readonly CapturedFrame[]) => {
  const packets = chapPackets(frames);
  const challenge = packets.find((packet) => packet.kind === 'challenge');
  const response = packets.find((packet) => packet.kind === 'response');
  const success = packets.find((packet) => packet.kind === 'success');
  if (challenge?.kind !== 'challenge' || response?.kind !== 'response' || success?.kind !== 'success')
    throw new Error('no complete CHAP exchange in the capture');
  return { challenge, response, success };
};

const masterKeysV2 = (frames: readonly CapturedFrame[]) => {
  const { challenge, response, success } = exchangeOf(frames);
  const proof = parseMsChapV2Response(response.value);
  const granted = parseMsChapV2Success(success.message);
  if (proof === undefined || granted === undefined) throw new Error('not an MS-CHAPv2 exchange');
  const exchange = {
    authenticatorChallenge: challenge.value,
    peerChallenge: proof.peerChallenge,
    userName: response.name,
  };
  expect(generateNtResponse(exchange, PASSWORD_HASH)).toEqual(proof.ntResponse);
  expect(checkAuthenticatorResponse(exchange, PASSWORD_HASH, proof.ntResponse, granted.authenticatorResponse)).toBe(
    true,
  );
  return {
    server: msChapV2MasterKeys(PASSWORD_HASH, proof.ntResponse, 'authenticator'),
    client: msChapV2MasterKeys(PASSWORD_HASH, proof.ntResponse, 'peer'),
  };
};

/** What the stage makes of the MPPE frames of one sender: inner IPv4 packets and the number of drops. */
const decryptAll = (
  frames: readonly CapturedFrame[],
  from: CapturedFrame['from'],
  strength: MppeStrength,
  keys: { readonly send: Uint8Array; readonly receive: Uint8Array },
) => {
  const call = { local: ipv4(1), peer: ipv4(2), localCallId: callId(1), peerCallId: callId(2) };
  const session = new Session(sessionId('capture'), call);
  const noted: string[] = [];
  const stage = new MppeStage(
    { onGarbage: () => noted.push('garbage'), onResetNeeded: () => noted.push('reset') },
    { clearAllowed: false },
  );
  stage.open(session);
  setEncryption(session, { strength, stateless: true, keys });
  const batch = new PacketBatch(32);
  const inner: Uint8Array[] = [];
  let drops = 0;
  let others = 0;
  const flush = (): void => {
    stage.inbound.process(batch, 0);
    batch.compact((_reason, count) => {
      drops += count;
    });
    for (const index of batch.order.subarray(0, batch.count)) {
      if (batch.protocol[index] === IPV4) inner.push(batch.view(index).slice());
      else others += 1;
    }
    batch.clear();
  };
  for (const frame of frames) {
    if (frame.protocol !== MPPE || frame.from !== from) continue;
    const index = batch.append(frame.information);
    batch.session[index] = session;
    batch.protocol[index] = MPPE;
    if (batch.free === 0) flush();
  }
  flush();
  return { inner, drops, others, noted };
};

const faultsOf = (packets: readonly Uint8Array[]): string[] =>
  packets.map(ipv4Fault).filter((fault) => fault !== undefined);

describe('sessions of real peers with MS-CHAPv2 and MPPE', () => {
  test.each([
    ['pptpd-mschap-v2-128', 128, 220, 206],
    ['pptpd-mschap-v2-40', 40, 211, 97],
    ['accel-ppp-mschap-v2-128', 128, 210, 121],
  ] as const)('%s: every packet of both directions decrypts', (name, strength, fromClient, fromServer) => {
    const frames = readPptpCapture(name);
    const keys = masterKeysV2(frames);
    const up = decryptAll(frames, 'client', strength, keys.server);
    const down = decryptAll(frames, 'server', strength, keys.client);
    expect([up.drops, down.drops, up.others, down.others, ...up.noted, ...down.noted]).toEqual([0, 0, 0, 0]);
    expect([up.inner.length, down.inner.length]).toEqual([fromClient, fromServer]);
    expect(faultsOf([...up.inner, ...down.inner])).toEqual([]);
    const protocols = new Set([...up.inner, ...down.inner].map((packet) => packet[9]));
    expect(protocols).toContain(1);
    expect(protocols).toContain(6);
  });

  test('with another password nothing decrypts, and the stage says so', () => {
    const frames = readPptpCapture('pptpd-mschap-v2-128');
    const wrong = msChapV2MasterKeys(ntPasswordHash('clientpass'), new Uint8Array(24), 'authenticator');
    const result = decryptAll(frames.filter((frame) => frame.from === 'client').slice(0, 40), 'client', 128, wrong);
    expect(result.inner.filter((packet) => ipv4Fault(packet) === undefined)).toEqual([]);
    expect(result.noted.length).toBeGreaterThan(0);
  });
});

describe('a session with MS-CHAPv1 and MPPE (RFC 3079 section 2.3)', () => {
  test('pptpd-mschap-128: every packet of the client decrypts', () => {
    const frames = readPptpCapture('pptpd-mschap-128');
    const { challenge, response } = exchangeOf(frames);
    const ntResponse = response.value.subarray(24, 48);
    expect(challengeResponse(challenge.value, PASSWORD_HASH)).toEqual(ntResponse);
    const hashHash = hashNtPasswordHash(PASSWORD_HASH);
    const startKey = sha1(hashHash, hashHash, challenge.value).slice(0, 16);
    const up = decryptAll(frames, 'client', 128, { send: startKey, receive: startKey });
    expect([up.inner.length, up.drops]).toEqual([12, 0]);
    expect(faultsOf(up.inner)).toEqual([]);
  });
});

describe('sessions in the clear (the checksum test itself is tested)', () => {
  test.each(['pptpd-mschap-v2-none', 'accel-ppp-chap-none'])('%s: user data is valid IPv4', (name) => {
    const packets = readPptpCapture(name)
      .filter((frame) => frame.protocol === IPV4)
      .map((frame) => frame.information);
    expect(packets.length).toBeGreaterThan(100);
    expect(faultsOf(packets)).toEqual([]);
    const broken = packets.map((packet) => packet.map((octet, i) => (i === packet.length - 1 ? octet ^ 1 : octet)));
    expect(faultsOf(broken).length).toBe(packets.length);
  });
});
