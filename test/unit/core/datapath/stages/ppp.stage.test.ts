import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../../../core/bytes/hex.ts';
import { PPP_FRAMING, type PppFraming, pppStage } from '../../../../../core/datapath/stages/ppp.stage.ts';
import { batchOf, livePackets, openSession, run } from '../../../../support/batches.ts';

function bench(framing: Partial<PppFraming> = {}) {
  const frames: string[] = [];
  const stage = pppStage({
    frame: (_session, protocol, bytes) => frames.push(`${protocol.toString(16)}:${toHex(bytes)}`),
  });
  const session = openSession([stage]);
  Object.assign(session.get(PPP_FRAMING) ?? {}, framing);
  return {
    frames,
    decodes(...hex: string[]) {
      const batch = batchOf(hex.map(fromHex), { session });
      const drops = run(stage.inbound, batch);
      const live = livePackets(batch).map(toHex);
      return { live, drops, protocols: live.map((_, at) => batch.protocol[batch.order[at] ?? 0]) };
    },
    encodes(protocol: number, hex: string) {
      const batch = batchOf([fromHex(hex)], { session, protocol });
      const drops = run(stage.outbound, batch, 'out');
      return livePackets(batch).map(toHex)[0] ?? drops;
    },
  };
}

describe('PPP framing (RFC 1661 section 2, RFC 2637 section 4)', () => {
  it.each([
    ['FF 03 and a two-octet protocol', 'ff03 0021 4500'],
    ['FF 03 and a one-octet protocol', 'ff03 21 4500'],
    ['no FF 03', '0021 4500'],
    ['neither', '21 4500'],
  ])('takes user data with %s', (_name, hex) => {
    expect(bench().decodes(hex)).toEqual({ live: ['4500'], drops: {}, protocols: [0x21] });
  });

  it('hands every other protocol to the machines, in order', () => {
    const b = bench();
    expect(b.decodes('ff03c0210101', '00fd9000ab', '8021 0102', 'c223 01').live).toEqual(['9000ab']);
    expect(b.frames).toEqual(['c021:0101', '8021:0102', 'c223:01']);
  });

  it.each([
    ['nothing', '', 'truncated'],
    ['only FF 03', 'ff03', 'truncated'],
    ['half a protocol field', 'ff0300', 'truncated'],
    ['an even protocol number', 'ff030020', 'malformed'],
  ])('drops %s', (_name, hex, reason) => {
    expect(bench().decodes(hex).drops).toEqual({ [reason]: 1 });
  });

  it.each([
    ['as agreed by default', {}, 0x21, 'ff0300214500'],
    ['with PFC', { sendPfc: true }, 0x21, 'ff03214500'],
    ['with ACFC', { sendAcfc: true }, 0x21, '00214500'],
    ['with both', { sendPfc: true, sendAcfc: true }, 0xfd, 'fd4500'],
    ['LCP never compressed', { sendPfc: true, sendAcfc: true }, 0xc021, 'ff03c0214500'],
  ])('writes %s', (_name, framing, protocol, expected) => {
    expect(bench(framing).encodes(protocol, '4500')).toBe(expected);
  });

  it("drops what is larger than the peer's MRU", () => {
    expect(bench({ peerMru: 3 }).encodes(0x21, '45000000')).toEqual({ 'too-big': 1 });
  });
});
