import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes } from '../../../../../core/bytes/bytes.ts';
import { fromHex, toHex } from '../../../../../core/bytes/hex.ts';
import { ipv4 } from '../../../../../core/bytes/ipv4-address.ts';
import { flushEncryption, MPPE_SLOT, setClearAllowed, setEncryption } from '../../../../../core/datapath/mppe-state.ts';
import { PacketBatch } from '../../../../../core/datapath/packet-batch.ts';
import { Session } from '../../../../../core/datapath/session.ts';
import { MppeStage } from '../../../../../core/datapath/stages/mppe.stage.ts';
import type { EncryptionParameters } from '../../../../../core/machine/ppp-link-types.ts';
import type { DropReason } from '../../../../../core/outcome.ts';
import { callId, sessionId } from '../../../../../core/ports/ids.ts';

const OURS = Uint8Array.from({ length: 16 }, (_, i) => i);
const THEIRS = Uint8Array.from({ length: 16 }, (_, i) => 99 - i);
const parameters = (stateless = true, compression = false): EncryptionParameters => ({
  strength: 128,
  stateless,
  compression,
  keys: { send: OURS, receive: THEIRS },
});
const mirrored: EncryptionParameters = { ...parameters(), keys: { send: THEIRS, receive: OURS } };
const IP_PACKET = fromHex('4500001400000000400100000a0000010a000002');

const newSession = (name: string): Session =>
  new Session(sessionId(name), { local: ipv4(1), peer: ipv4(2), localCallId: callId(3), peerCallId: callId(4) });

const bringUp = (clearAllowed = false) => {
  const events: string[] = [];
  const stage = new MppeStage(
    {
      onGarbage: (session, consecutive) => events.push(`garbage ${session.id} ${consecutive}`),
      onResetNeeded: (session) => events.push(`reset ${session.id}`),
    },
    { clearAllowed },
  );
  const session = newSession('a');
  stage.open(session);
  return { stage, session, events };
};

interface Result {
  readonly protocol: number;
  readonly bytes: Uint8Array;
}

/** Runs packets of one session through one direction: what is left, or the drop reason of each that went. */
const run = (
  step: MppeStage['inbound'],
  session: Session | undefined,
  packets: readonly (readonly [protocol: number, bytes: Uint8Array])[],
): { readonly live: readonly Result[]; readonly drops: readonly DropReason[] } => {
  const batch = new PacketBatch(Math.max(1, packets.length));
  for (const [protocol, bytes] of packets) {
    const index = batch.append(bytes);
    batch.session[index] = session;
    batch.protocol[index] = protocol;
  }
  step.process(batch, 0);
  const drops: DropReason[] = [];
  batch.compact((reason, count) => {
    for (let i = 0; i < count; i += 1) drops.push(reason);
  });
  const live = [...batch.order.subarray(0, batch.count)].map((index) => ({
    protocol: batch.protocol[index] ?? 0,
    bytes: batch.view(index).slice(),
  }));
  return { live, drops };
};

describe('encryption up', () => {
  test('out: 00FD, header, then the inner protocol field and the packet; in: back again', () => {
    const { stage, session } = bringUp();
    setEncryption(session, parameters());
    const peer = newSession('peer');
    setEncryption(peer, mirrored);
    const out = run(stage.outbound, session, [
      [0x21, IP_PACKET],
      [0x21, IP_PACKET],
    ]);
    expect(out.drops).toEqual([]);
    expect(out.live.map(({ protocol, bytes }) => [protocol, toHex(bytes.subarray(0, 2)), bytes.length])).toEqual([
      [0xfd, '9000', 24],
      [0xfd, '9001', 24],
    ]);
    const back = run(
      stage.inbound,
      peer,
      out.live.map(({ protocol, bytes }) => [protocol, bytes] as const),
    );
    expect(back).toEqual({
      live: [
        { protocol: 0x21, bytes: IP_PACKET },
        { protocol: 0x21, bytes: IP_PACKET },
      ],
      drops: [],
    });
  });

  test('in: a compressed inner protocol field is read too', () => {
    const { stage, session } = bringUp();
    setEncryption(session, parameters());
    const peer = newSession('peer');
    setEncryption(peer, mirrored);
    const slab = new Uint8Array(64);
    slab[2] = 0x21;
    slab.set(IP_PACKET, 3);
    peer.get(MPPE_SLOT)?.sender?.encrypt(slab, 2, 1 + IP_PACKET.length);
    expect(run(stage.inbound, session, [[0xfd, slab.subarray(0, 3 + IP_PACKET.length)]]).live).toEqual([
      { protocol: 0x21, bytes: IP_PACKET },
    ]);
  });

  test.each([0x21, 0x57])('in: unencrypted user data %i is refused, whatever the policy', (protocol) => {
    const { stage, session } = bringUp(true);
    setEncryption(session, parameters());
    expect(run(stage.inbound, session, [[protocol, IP_PACKET]]).drops).toEqual(['unencrypted']);
  });

  test('both ways: LCP, NCPs and authentication pass as they are', () => {
    const { stage, session } = bringUp();
    setEncryption(session, parameters());
    const control = [0xc021, 0x8021, 0x80fd, 0xc223].map((protocol) => [protocol, IP_PACKET] as const);
    const expected = control.map(([protocol, bytes]) => ({ protocol, bytes }));
    expect(run(stage.inbound, session, control).live).toEqual(expected);
    expect(run(stage.outbound, session, control).live).toEqual(expected);
  });

  test('in: what decrypts to no packet is counted in a row, and an IP packet ends the row', () => {
    const { stage, session, events } = bringUp();
    setEncryption(session, parameters());
    const peer = newSession('peer');
    setEncryption(peer, mirrored);
    const send = (...octets: number[]): Uint8Array => {
      const slab = Uint8Array.of(0, 0, ...octets);
      peer.get(MPPE_SLOT)?.sender?.encrypt(slab, 2, octets.length);
      return slab;
    };
    const packets = [
      send(0x00, 0x21, 0x60),
      send(0xc0, 0x21, 0x45),
      send(0x21),
      send(0x57, 0x45),
      send(0x00, 0xfd, 0x45),
      send(0x00),
    ].map((datagram) => [0xfd, datagram] as const);
    expect(run(stage.inbound, session, packets).drops).toEqual(Array.from({ length: 6 }, () => 'decrypt-failed'));
    expect(events).toEqual([1, 2, 3, 4, 5, 6].map((n) => `garbage a ${n}`));
    expect(run(stage.inbound, session, [[0xfd, send(0x21, 0x45)]]).drops).toEqual([]);
    run(stage.inbound, session, [[0xfd, send(0xff, 0xff)]]);
    expect(events.at(-1)).toBe('garbage a 1');
  });

  test('in: engine verdicts become drop reasons', () => {
    const { stage, session, events } = bringUp();
    setEncryption(session, parameters());
    const reasons = ['', '9000', '8000aaaa', '1000aaaa', '9fffaaaa'].map(
      (hex) => run(stage.inbound, session, [[0xfd, fromHex(hex)]]).drops[0],
    );
    expect(reasons).toEqual(['truncated', 'truncated', 'unencrypted', 'malformed', 'late']);
    expect(events).toEqual([]);
  });

  test('stateful: a lost packet asks for a reset; a Reset-Request marks the next packet', () => {
    const { stage, session, events } = bringUp();
    setEncryption(session, parameters(false));
    expect(run(stage.inbound, session, [[0xfd, fromHex('1003aaaaaa')]]).drops).toEqual(['decrypt-failed']);
    expect(events).toEqual(['reset a']);
    const heads = (): string[] =>
      run(stage.outbound, session, [[0x21, IP_PACKET]]).live.map(({ bytes }) => toHex(bytes.subarray(0, 2)));
    expect(heads()).toEqual(['1000']);
    flushEncryption(session);
    expect(heads()).toEqual(['90ff']);
    expect(heads()).toEqual(['1100']);
  });
});

describe('MPPC', () => {
  const PLAIN = concatBytes(IP_PACKET, new Uint8Array(400).fill(0x20));
  const pair = (changes: Partial<EncryptionParameters>) => {
    const { stage, session } = bringUp(true);
    const peer = newSession('peer');
    stage.open(peer);
    setEncryption(session, { ...parameters(true, true), ...changes });
    setEncryption(peer, { ...mirrored, compression: true, ...changes, keys: mirrored.keys });
    return { stage, session, peer };
  };

  test.each([
    ['alone', { strength: undefined }, 'e000'],
    ['with encryption', {}, 'f000'],
  ] as const)('%s: smaller on the way, the same at the other end', (_name, changes, head) => {
    const { stage, session, peer } = pair(changes);
    const out = run(stage.outbound, session, [[0x21, PLAIN]]).live;
    expect(out.map(({ protocol, bytes }) => [protocol, toHex(bytes.subarray(0, 2))])).toEqual([[0xfd, head]]);
    expect(out[0]?.bytes.length).toBeLessThan(60);
    const sent = out.map(({ protocol, bytes }) => [protocol, bytes] as const);
    expect(run(stage.inbound, peer, sent)).toEqual({ live: [{ protocol: 0x21, bytes: PLAIN }], drops: [] });
  });

  test('alone protects nothing: user data in the clear is still taken where it may be', () => {
    const { stage, session } = pair({ strength: undefined });
    expect(run(stage.inbound, session, [[0x21, IP_PACKET]]).drops).toEqual([]);
    expect(run(stage.inbound, pair({}).session, [[0x21, IP_PACKET]]).drops).toEqual(['unencrypted']);
  });

  test('that cannot be read is garbage', () => {
    const { stage, session, events } = bringUp();
    setEncryption(session, { ...parameters(false, true), strength: undefined });
    expect(run(stage.inbound, session, [[0xfd, fromHex('e000ffff')]]).drops).toEqual(['decrypt-failed']);
    expect(events).toEqual(['garbage a 1', 'reset a']);
  });
});

describe('encryption not up', () => {
  const user = [[0x21, IP_PACKET]] as const;

  test('required: nothing goes either way', () => {
    const { stage, session } = bringUp(false);
    expect(run(stage.inbound, session, user).drops).toEqual(['unencrypted']);
    expect(run(stage.outbound, session, user).drops).toEqual(['wrong-phase']);
    expect(run(stage.inbound, session, [[0xfd, fromHex('9000aaaaaa')]]).drops).toEqual(['wrong-phase']);
  });

  test('clear allowed: user data goes, until encryption comes up and again when it is gone', () => {
    const { stage, session } = bringUp(true);
    expect(run(stage.inbound, session, user).drops).toEqual([]);
    expect(run(stage.outbound, session, user).live).toEqual([{ protocol: 0x21, bytes: IP_PACKET }]);
    setEncryption(session, parameters());
    expect(run(stage.inbound, session, user).drops).toEqual(['unencrypted']);
    setEncryption(session, undefined);
    expect(run(stage.inbound, session, user).drops).toEqual([]);
    setClearAllowed(session, false);
    expect(run(stage.inbound, session, user).drops).toEqual(['unencrypted']);
  });

  test('closed or unknown sessions move nothing', () => {
    const { stage, session } = bringUp(true);
    stage.close(session);
    for (const who of [session, undefined]) {
      expect(run(stage.inbound, who, user).drops).toEqual(['unencrypted']);
      expect(run(stage.inbound, who, [[0xfd, fromHex('9000aaaaaa')]]).drops).toEqual(['wrong-phase']);
      expect(run(stage.outbound, who, user).drops).toEqual(['wrong-phase']);
    }
    flushEncryption(session);
    setEncryption(session, parameters());
    expect(run(stage.outbound, session, user).drops).toEqual([]);
  });
});

test('any octets in any protocol: left alive or dropped by name, the cursor on the last packet', () => {
  const packet = fc.tuple(fc.constantFrom(0xfd, 0x21, 0x57, 0xc021, 0x2d), fc.uint8Array({ maxLength: 60 }));
  fc.assert(
    fc.property(
      fc.array(packet, { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      fc.boolean(),
      (packets, stateless, mppc) => {
        const { stage, session } = bringUp();
        setEncryption(session, parameters(stateless, mppc));
        const { live, drops } = run(stage.inbound, session, packets);
        expect(live.length + drops.length).toBe(packets.length);
        for (const { protocol } of live) expect(protocol).not.toBe(0xfd);
      },
    ),
  );
});
