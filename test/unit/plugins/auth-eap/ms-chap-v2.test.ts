import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../../core/bytes/hex.ts';
import { msChapV2MasterKeys } from '../../../../core/crypto/mppe-keys.ts';
import { generateAuthenticatorResponse, ntPasswordHash } from '../../../../core/crypto/ms-chap-v2.ts';
import type { AuthVerdict } from '../../../../core/ports/auth.ts';
import { parseEap, writeEap } from '../../../../core/wire/eap.ts';
import { eapMsChapV2 } from '../../../../plugins/auth-eap/index.ts';
import { EapBench } from '../../../support/eap-bench.ts';
import { RFC_EXCHANGE } from '../../../support/rfc-exchange.ts';

const { userName, password, authenticatorChallenge, peerChallenge, ntResponse, authenticatorResponse } = RFC_EXCHANGE;
const HASH = ntPasswordHash(password);
const KEYS = msChapV2MasterKeys(HASH, ntResponse, 'authenticator');
const ACCEPTED: AuthVerdict = { ok: true, identity: 'User', profile: {}, grant: { authenticatorResponse, keys: KEYS } };
const WRONG: AuthVerdict = { ok: false, denial: 'bad-credentials' };

const typed = (kind: 'request' | 'response', identifier: number, hex: string): Uint8Array =>
  writeEap({ kind, identifier, type: 26, data: fromHex(hex.replaceAll(' ', '')) });
/** "opcode, MS-CHAPv2-ID, MS-Length" and the text behind it. */
const textOf = (packet: string | undefined): string => {
  const parsed = parseEap(fromHex(packet ?? ''));
  return parsed?.kind === 'request' ? new TextDecoder().decode(parsed.data.subarray(4)) : '';
};
/** The Response of RFC 2759 section 9.2, whoever was challenged. */
const response = (identifier: number, id: string): Uint8Array =>
  typed(
    'response',
    identifier,
    `02${id}003a 31 ${toHex(peerChallenge)} ${'00'.repeat(8)} ${toHex(ntResponse)} 00 55736572`,
  );

const challenged = (): { readonly bench: EapBench; readonly id: string } => {
  const bench = new EapBench('authenticator', [eapMsChapV2()]);
  bench.start();
  const [challenge = ''] = bench.frame('02 01 0009 01 55736572');
  // Code, identifier, length, type 26, opcode 1, id, MS-Length = length - 5, 16 octets, name.
  expect(challenge).toMatch(/^0102001c1a01[0-9a-f]{2}001710[0-9a-f]{32}6777$/);
  return { bench, id: challenge.slice(12, 14) };
};

describe('EAP-MS-CHAPv2, authenticator', () => {
  it('asks the back-end, sends Success as a Request, and lets in with keys when it is confirmed', () => {
    const { bench, id } = challenged();
    expect(bench.frame(response(2, id))).toEqual(['verify']);
    expect(bench.effects.at(-1)).toMatchObject({
      method: 'ms-chap-v2',
      request: { userName: 'User', peerChallenge, ntResponse },
    });
    const [success] = bench.verdict(ACCEPTED);
    expect(success?.slice(0, 14)).toBe(`0103003d1a03${id}`);
    expect(textOf(success)).toBe(`${authenticatorResponse} M=Welcome`);
    expect(bench.frame(typed('response', 3, '03'))).toEqual(['03030004', 'accept']);
    expect(bench.effects.at(-1)).toMatchObject({ identity: 'User', keys: KEYS });
  });

  it('does not let in before the confirmation, nor with a Response instead', () => {
    const { bench, id } = challenged();
    bench.frame(response(2, id));
    bench.verdict(ACCEPTED);
    expect(bench.frame(response(3, id))).toEqual([]);
    expect(bench.frame(typed('response', 3, '04'))).toEqual([]);
    expect(bench.wait(3000)).toHaveLength(1);
  });

  it('offers another attempt with a new challenge, whatever MS-CHAPv2-ID it comes with, three in all', () => {
    const { bench, id } = challenged();
    const ids = [id, id, (Number.parseInt(id, 16) + 1).toString(16).padStart(2, '0')];
    const challenges = new Set<string>();
    for (const [attempt, msId] of ids.entries()) {
      expect(bench.frame(response(2 + attempt, msId))).toEqual(['verify']);
      const [event, failure] = bench.verdict(WRONG);
      expect(event).toBe('attempt-failed');
      expect(textOf(failure)).toMatch(
        attempt < 2 ? /^E=691 R=1 C=[0-9A-F]{32} V=3 M=/ : /^E=691 R=0 C=[0-9A-F]{32} V=3 M=/,
      );
      challenges.add(textOf(failure).slice(10, 44));
    }
    expect(challenges.size).toBe(3);
    expect(bench.frame(typed('response', 5, '04'))).toEqual(['04050004', 'reject']);
    expect(bench.effects.filter(({ kind }) => kind === 'attempt-failed')).toMatchObject([
      { retriesLeft: 2 },
      { retriesLeft: 1 },
      { retriesLeft: 0 },
    ]);
  });

  it('ends when the peer takes the first Failure for the last word', () => {
    const { bench, id } = challenged();
    bench.frame(response(2, id));
    bench.verdict(WRONG);
    expect(bench.frame(typed('response', 3, '04'))).toEqual(['04030004', 'reject']);
    expect(bench.effects.at(-1)).toMatchObject({ denial: 'bad-credentials' });
  });

  it('keeps the reason when the peer just goes away', () => {
    const { bench, id } = challenged();
    bench.frame(response(2, id));
    bench.verdict({ ok: false, denial: 'locked' });
    bench.wait(60_000);
    expect(bench.effects.at(-1)).toMatchObject({ kind: 'reject', denial: 'locked' });
  });

  it.each([
    ['nothing', ''],
    ['a challenge', `01 00 0015 10 ${'11'.repeat(16)}`],
    ['a response of 48 octets', `02 00 0035 30 ${'11'.repeat(48)}`],
    ['an MS-Length beyond the packet', `02 00 0099 31 ${'11'.repeat(49)}`],
    ['a confirmation of nothing', '03'],
    ['the confirmation of a Failure that was not sent', '04'],
  ])('discards %s in answer to the challenge', (_name, hex) => {
    const { bench, id } = challenged();
    expect(bench.frame(typed('response', 2, hex))).toEqual([]);
    expect(bench.frame(response(2, id))).toEqual(['verify']);
  });
});

describe('EAP-MS-CHAPv2, peer', () => {
  const CHALLENGE = typed('request', 2, `01 09 0017 10 ${toHex(authenticatorChallenge)} 6777`);
  const success = (text: string): Uint8Array =>
    typed(
      'request',
      3,
      `03 09 ${(4 + text.length).toString(16).padStart(4, '0')} ${toHex(new TextEncoder().encode(text))}`,
    );

  const answered = (): { readonly bench: EapBench; readonly right: string } => {
    let first = true;
    const random = {
      bytes: (length: number) => {
        if (!first) return new Uint8Array(length);
        first = false;
        return peerChallenge;
      },
    };
    const bench = new EapBench('peer', [eapMsChapV2()], { localName: 'User', password, random });
    const [sent = ''] = bench.frame(CHALLENGE);
    expect(sent).toBe(toHex(response(2, '09')));
    const exchange = { authenticatorChallenge, peerChallenge, userName };
    return { bench, right: generateAuthenticatorResponse(exchange, HASH, ntResponse) };
  };

  it('answers as in RFC 2759 section 9.2, confirms a right Success, and comes in with the Success of EAP', () => {
    const { bench, right } = answered();
    expect(bench.frame(success(`${right} M=hello`))).toEqual(['020300061a03']);
    expect(bench.frame('03 03 0004')).toEqual(['accept']);
    const keys = msChapV2MasterKeys(HASH, ntResponse, 'peer');
    expect(bench.effects.at(-1)).toMatchObject({ identity: 'User', keys });
  });

  it('goes when the server cannot prove that it knows the password', () => {
    const { bench } = answered();
    expect(bench.frame(success(`S=${'0'.repeat(40)}`))).toEqual(['reject']);
    expect(bench.effects.at(-1)).toMatchObject({ denial: 'protocol', detail: 'the server does not know the password' });
  });

  it('confirms a Failure, and reports it', () => {
    const { bench } = answered();
    const failure = typed('request', 3, `04 09 000d ${toHex(new TextEncoder().encode('E=647 R=0'))}`);
    expect(bench.frame(failure)).toEqual(['attempt-failed', '020300061a04']);
    expect(bench.frame('04 03 0004')).toEqual(['reject']);
    expect(bench.effects.at(-1)).toMatchObject({ denial: 'locked' });
  });

  it('discards a Success that came before any challenge', () => {
    const bench = new EapBench('peer', [eapMsChapV2()]);
    expect(bench.frame(success(authenticatorResponse))).toEqual([]);
  });
});
