import { EMPTY } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../../core/bytes/ascii.ts';
import { callDemuxStage } from '../../../core/datapath/stages/call-demux.stage.ts';
import { greStage } from '../../../core/datapath/stages/gre.stage.ts';
import { SequenceStage } from '../../../core/datapath/stages/sequence.stage.ts';
import { RandomCallIds } from '../../../core/machine/call-ids.ts';
import { instant } from '../../../core/time.ts';
import { writeChap } from '../../../core/wire/chap.ts';
import { PPP } from '../../../core/wire/ppp.ts';
import { SessionTable } from '../../../gateway/session/session-table.ts';
import { msChapV2Method } from '../../../plugins/auth-ms-chap-v2/index.ts';
import { batchOf, openSession, run } from '../../support/batches.ts';
import {
  callReply,
  callRequest,
  disconnect,
  establishedClient,
  establishedServer,
  placeCall,
} from '../../support/control-rig.ts';
import { countingRandom } from '../../support/counting-random.ts';
import { grePacket } from '../../support/gre-packets.ts';
import { LinkBench } from '../../support/link-bench.ts';
import { PROFILE, serverOptions } from '../../support/link-options.ts';
import { seededRandom } from '../../support/seeded-random.ts';

describe('accel-ppp as a server', () => {
  it('puts our Call ID into Call-Disconnect-Notify: it ends that call and no other', () => {
    const rig = establishedClient();
    const ids = [1, 2].map((tag) => {
      const id = placeCall(rig, tag);
      rig.receives(callReply(0x100 + tag, id));
      return id;
    });
    rig.receives(disconnect(ids[1] ?? 0, 1));
    expect(rig.all('call-closed')).toMatchObject([{ localCallId: ids[1], reason: 'peer-disconnect' }]);
    expect(rig.machine.callCount).toBe(1);
  });

  it.each(['E=691 R=0 V=3 M=Authentication failure', 'E=691 R=1', 'E=691 R=1 C=00 V=3', 'E=691', ''])(
    'leaves the challenge out of its MS-CHAPv2 Failure ("%s"): our client gives up by name and sends nothing more',
    (text) => {
      const client = msChapV2Method().begin({
        role: 'peer',
        localName: 'alice',
        password: 'wrong',
        random: countingRandom(0x90),
      });
      client.handle({ kind: 'start' }, instant(0));
      const frame = (bytes: Uint8Array) =>
        client.handle({ kind: 'frame', protocol: PPP.chap, bytes }, instant(0)).map((effect) => effect.kind);
      const value = new Uint8Array(16).fill(5);
      expect(frame(writeChap({ kind: 'challenge', identifier: 9, value, name: 'accel' }))).toEqual(['send']);
      expect(frame(writeChap({ kind: 'failure', identifier: 9, message: text }))).toEqual(['attempt-failed', 'reject']);
      expect(client.nextTimeout()).toBeUndefined();
    },
  );
});

describe('MikroTik', () => {
  it('sends IPCP while it is being authenticated and before CCP is done: answered when encryption is up', () => {
    const link = new LinkBench(serverOptions());
    link.toLcpOpened();
    const ipcp = '01 01 000a 0306 00000000';
    expect(link.frame(PPP.ipcp, ipcp)).toEqual([]);
    link.frame(PPP.chap, '02 612f62');
    link.input({ kind: 'verdict', verdict: { ok: true, identity: 'a', profile: {}, grant: { granted: true } } });
    link.frame(PPP.ipcp, ipcp);
    link.input({ kind: 'authorize', profile: PROFILE });
    for (const sent of link.frame(PPP.ipcp, ipcp)) expect(sent).not.toMatch(/^(c021 08|8021)/);
    link.frame(PPP.ccp, '01 01 000a 1206 01000040');
    link.acknowledge(PPP.ccp);
    expect(link.frame(PPP.ipcp, ipcp)).toEqual(['8021 0301000a03060a4e010a']);
    link.acknowledge(PPP.ipcp);
    link.frame(PPP.ipcp, '01 02 000a 0306 0a4e010a');
    expect(link.all('network').at(-1)?.network?.peerAddress).toBe(PROFILE.peerAddress);
    expect(link.closed).toBeUndefined();
  });
});

describe('routers that redial at once', () => {
  it('use their Call ID again right after the end of its call: a new call under another ID of ours', () => {
    const rig = establishedServer();
    for (let round = 0; round < 3; round += 1) rig.receives(callRequest(7), { kind: 'call-clear-request', callId: 7 });
    rig.receives(callRequest(7));
    const ids = rig.all('call-opened').map(({ localCallId }) => localCallId);
    expect(new Set(ids).size).toBe(4);
    expect(rig.sent.filter((m) => m.kind === 'outgoing-call-reply').every((m) => m.resultCode === 1)).toBe(true);
    expect(rig.machine.callCount).toBe(1);
  });
});

describe('clients behind one NAT', () => {
  it('may have the same Call ID: each call is found by ours', () => {
    const callIds = new RandomCallIds({ random: seededRandom(3), now: () => instant(0) });
    const rigs = [establishedServer({ callIds }), establishedServer({ callIds })];
    const sequence = new SequenceStage(
      { wake: () => undefined },
      { window: 16, timeoutMs: 300, ackDelayMs: 100 },
      EMPTY,
    );
    const table = new SessionTable();
    const demux = callDemuxStage(table, { checkPeerAddress: true });
    const sessions = rigs.map((rig) => {
      rig.receives(callRequest(0));
      const local = rig.all('call-opened')[0]?.localCallId ?? 0;
      const session = openSession([sequence], { local, peer: 0 });
      table.add(session);
      return { local, session };
    });
    const batch = batchOf(sessions.map(({ local }) => grePacket(local, 0, asciiBytes('x'))));
    expect({ ...run(greStage.inbound, batch), ...run(demux.inbound, batch), ...run(sequence.inbound, batch) }).toEqual(
      {},
    );
    expect(batch.session.slice(0, 2)).toEqual(sessions.map(({ session }) => session));
    expect(sessions[0]?.session).not.toBe(sessions[1]?.session);
  });
});
