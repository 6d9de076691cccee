import { EMPTY } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../core/bytes/hex.ts';
import { GRE_CHANNEL, PEER_WINDOW } from '../../../core/datapath/gre-channel.ts';
import { greStage } from '../../../core/datapath/stages/gre.stage.ts';
import { SequenceStage } from '../../../core/datapath/stages/sequence.stage.ts';
import { instant } from '../../../core/time.ts';
import { writeChap } from '../../../core/wire/chap.ts';
import { PPP } from '../../../core/wire/ppp.ts';
import { parsePptpMessage, writePptpMessage } from '../../../core/wire/pptp-message.ts';
import { msChapV2Method } from '../../../plugins/auth-ms-chap-v2/index.ts';
import { batchOf, openSession, run } from '../../support/batches.ts';
import {
  callReply,
  callRequest,
  disconnect,
  establishedServer,
  placingCall,
  startRequest,
} from '../../support/control-rig.ts';
import { countingRandom } from '../../support/counting-random.ts';
import { LinkBench } from '../../support/link-bench.ts';
import { serverOptions } from '../../support/link-options.ts';

/** A client of ours with a call on a server that calls it 0x77. */
const placed = () => {
  const { rig, id } = placingCall();
  rig.receives(callReply(0x77, id, { packetReceiveWindow: 16_384 }));
  return { rig, id };
};

describe('Windows as a server', () => {
  it('says a window of 16,384 packets: sending begins with half of it', () => {
    const { rig } = placed();
    const opened = rig.all('call-opened')[0];
    expect(opened).toMatchObject({ window: 16_384 });
    const sequence = new SequenceStage(
      { wake: () => undefined },
      {
        window: 16,
        timeoutMs: 300,
        ackDelayMs: 100,
        sendWindow: { minTimeoutMs: 250, maxTimeoutMs: 3000, queueLimit: 4 },
      },
      EMPTY,
    );
    const session = openSession();
    session.set(PEER_WINDOW, { packets: opened?.window ?? 0, processingDelay: opened?.processingDelay ?? 0 });
    sequence.open(session);
    expect(session.get(GRE_CHANNEL)?.snapshot().window).toMatchObject({ size: 8_192, maximum: 16_384 });
  });

  it('sends Call-Disconnect-Notify with result 0: the call ends without a complaint', () => {
    const { rig, id } = placed();
    rig.effects.length = 0;
    rig.receives(disconnect(0x77, 0));
    expect(rig.all('call-closed')).toMatchObject([{ localCallId: id, reason: 'peer-disconnect' }]);
    expect(rig.all('note')).toEqual([]);
  });
});

describe('Windows as a client', () => {
  it('says framing and bearer 1 in its start, 3 in its call, and a GUID of any octets as subaddress', () => {
    const guid = fromHex('9a 00 ff 3c 21 07 00 4e 80 91 00 00 c0 de 00 01');
    const request = callRequest(0x4000, {
      minimumBps: 300,
      maximumBps: 100_000_000,
      bearerType: 3,
      framingType: 3,
      packetReceiveWindow: 64,
    });
    const octets = writePptpMessage(request);
    octets.set(guid, 104);
    const parsed = parsePptpMessage(octets);
    if (typeof parsed === 'string') throw new Error(parsed);
    expect(writePptpMessage(parsed)).toEqual(octets);

    const rig = establishedServer();
    rig.receives(startRequest({ framingCapabilities: 1, bearerCapabilities: 1, vendorName: 'Microsoft' }));
    rig.effects.length = 0;
    rig.input({ kind: 'bytes', bytes: octets });
    expect(rig.sent).toMatchObject([{ kind: 'outgoing-call-reply', peerCallId: 0x4000, resultCode: 1 }]);
  });

  it('sends Set-Link-Info with real character maps, several times: each is told, the call lives', () => {
    const rig = establishedServer();
    rig.receives(callRequest(0x4000));
    const id = rig.all('call-opened')[0]?.localCallId ?? 0;
    for (const accm of [0xffff_ffff, 0x000a_0000, 0]) {
      rig.receives({ kind: 'set-link-info', peerCallId: id, sendAccm: accm, receiveAccm: 0xffff_ffff });
    }
    expect(rig.all('link-info').map(({ sendAccm }) => sendAccm)).toEqual([0xffff_ffff, 0x000a_0000, 0]);
    expect(rig.machine.callCount).toBe(1);
    expect(rig.all('note')).toEqual([]);
  });

  it('acknowledges alone, in 12 octets that Ethernet pads: taken, and no packet is lost or made of it', () => {
    const sequence = new SequenceStage(
      { wake: () => undefined },
      { window: 16, timeoutMs: 300, ackDelayMs: 100 },
      EMPTY,
    );
    const session = openSession([sequence]);
    const ack = fromHex('2081 880b 0000 1111 00000007');
    const padded = fromHex('2081 880b 0000 1111 00000008 0000000000000000000000000000');
    const batch = batchOf([ack, padded], { session });
    expect({ ...run(greStage.inbound, batch), ...run(sequence.inbound, batch) }).toEqual({});
    expect(batch.count).toBe(0);
    const channel = session.get(GRE_CHANNEL);
    expect(channel?.snapshot()).toMatchObject({ received: 0, peerAcknowledged: 8, lost: 0 });
    expect(channel?.takeDueAck(instant(1_000))).toBe(false);
  });

  it('asks for callback (option 13) and is refused it; names itself in Identification, which is noted', () => {
    const link = new LinkBench(serverOptions());
    link.open();
    expect(link.frame(PPP.lcp, '01 00 0015 0104 0578 0506 31d97f5b 0702 0802 0d03 06')).toEqual([
      'c021 040000070d0306',
    ]);
    link.frame(PPP.lcp, '01 01 0012 0104 0578 0506 31d97f5b 0702 0802');
    link.acknowledge(PPP.lcp);
    expect(link.frame(PPP.lcp, '0c 02 0012 31d97f5b 4d535241535635 2e3230')).toEqual([]);
    expect(link.all('note').map(({ detail }) => detail)).toContain('MSRASV5.20');
    expect(link.closed).toBeUndefined();
  });
});

describe('Windows 98', () => {
  const proof = `S=${'0'.repeat(40)}`;
  it.each([
    [0x04, proof],
    [0x00, `${proof} M=Welcome`],
  ])('flags %i in its Response: the Success is %s', (flags, message) => {
    const server = msChapV2Method().begin({ role: 'authenticator', localName: 'gw', random: countingRandom(0x40) });
    server.handle({ kind: 'start' }, instant(0));
    const value = new Uint8Array(49).fill(7);
    value[48] = flags;
    const bytes = writeChap({ kind: 'response', identifier: 0x40, value, name: 'old' });
    const asked = server.handle({ kind: 'frame', protocol: PPP.chap, bytes }, instant(0));
    expect(asked).toMatchObject([{ kind: 'verify', method: 'ms-chap-v2' }]);
    const key = new Uint8Array(16);
    const grant = { authenticatorResponse: proof, keys: { send: key, receive: key } };
    const [effect] = server.handle(
      { kind: 'verdict', verdict: { ok: true, identity: 'old', profile: {}, grant } },
      instant(0),
    );
    if (effect?.kind !== 'send') throw new Error('nothing was sent');
    expect(new TextDecoder().decode(effect.bytes.subarray(4))).toBe(message);
  });
});
