import { describe, expect, it } from 'vitest';
import { eapMd5, eapMsChapV2 } from '../../../plugins/auth-eap/index.ts';
import { EapBench } from '../../support/eap-bench.ts';

const ACCEPTED = { ok: true, identity: 'alice', profile: {}, grant: {} } as const;
const IDENTITY = '02 01 0007 01 616c';
const server = (methods = [eapMd5(), eapMsChapV2()]): EapBench => new EapBench('authenticator', methods);
/** Response to the MD5-Challenge of identifier 2, with a value of 16 octets and the name "al". */
const MD5_RESPONSE = `02 02 0018 04 10 ${'5a'.repeat(16)} 616c`;
const CHALLENGE = /^0102001804100[0-9a-f]{31}6777$/;

describe('RFC 3748 section 4.1: Requests', () => {
  it('begins with Identity, and goes on with a method and the next identifier', () => {
    const bench = server();
    expect(bench.start()).toEqual(['0101000501']);
    expect(bench.frame(IDENTITY)).toEqual([expect.stringMatching(CHALLENGE)]);
    expect(bench.frame(MD5_RESPONSE)).toEqual(['verify']);
    expect(bench.verdict(ACCEPTED)).toEqual(['03020004', 'accept']);
  });

  it('sends the same Request again every three seconds, ten in all, then gives up without a Failure', () => {
    const bench = server();
    bench.start();
    expect(bench.wait(2999)).toEqual([]);
    expect(bench.wait(1)).toEqual(['0101000501']);
    expect(bench.wait(24_000)).toEqual(Array(8).fill('0101000501'));
    expect(bench.wait(3000)).toEqual(['reject']);
    expect(bench.effects.at(-1)).toMatchObject({ denial: 'timeout' });
    expect(bench.nextTimeout).toBeUndefined();
    expect(bench.frame(IDENTITY)).toHaveLength(1); // the Failure, no new life
  });

  it('repeats a challenge unchanged, and takes the Response to any copy once', () => {
    const bench = server();
    bench.start();
    const [challenge = ''] = bench.frame(IDENTITY);
    expect(bench.wait(3000)).toEqual([challenge]);
    expect(bench.frame(MD5_RESPONSE)).toEqual(['verify']);
    expect(bench.frame(MD5_RESPONSE)).toEqual([]);
    expect(bench.wait(60_000)).toEqual([]);
  });

  it.each([
    ['another identifier', '02 07 0007 01 616c'],
    ['another type than asked for', `02 01 0018 04 10 ${'5a'.repeat(16)} 616c`],
    ['a Notification nobody asked for', '02 01 0005 02'],
    ['a Request', '01 01 0005 01'],
    ['a Success', '03 01 0004'],
  ])('discards a Response with %s', (_name, hex) => {
    const bench = server();
    bench.start();
    expect(bench.frame(hex)).toEqual([]);
    expect(bench.frame(IDENTITY)).toHaveLength(1);
  });

  it('discards an MD5 Response whose value is too short, and still waits for a right one', () => {
    const bench = server();
    bench.start();
    bench.frame(IDENTITY);
    expect(bench.frame('02 02 0008 04 02 5a5a')).toEqual([]);
    expect(bench.frame(MD5_RESPONSE)).toEqual(['verify']);
  });
});

describe('RFC 3748 section 4.2: Success and Failure', () => {
  it('have the identifier of the Response, and are sent again with a Response that comes again', () => {
    const bench = server();
    bench.start();
    bench.frame(IDENTITY);
    bench.frame(MD5_RESPONSE);
    expect(bench.verdict({ ok: false, denial: 'bad-credentials' })).toEqual(['04020004', 'attempt-failed', 'reject']);
    expect(bench.frame(MD5_RESPONSE)).toEqual(['04020004']);
    expect(bench.frame(IDENTITY)).toEqual([]);
  });

  it('a verdict that comes when all is over changes nothing', () => {
    const bench = server();
    bench.start();
    bench.frame(IDENTITY);
    bench.frame(MD5_RESPONSE);
    bench.verdict({ ok: false, denial: 'bad-credentials' });
    expect(bench.verdict(ACCEPTED)).toEqual([]);
  });
});

describe('RFC 3748 section 5.3.1: Nak', () => {
  const challenged = (methods = [eapMd5(), eapMsChapV2()]): EapBench => {
    const bench = server(methods);
    bench.start();
    bench.frame(IDENTITY);
    return bench;
  };

  it('leads to a method that both have, at once and with the next identifier', () => {
    const [request = ''] = challenged().frame('02 02 0007 03 0d1a');
    expect(request.slice(0, 4)).toBe('0103');
    expect(request.slice(8, 12)).toBe('1a01');
  });

  it.each([
    ['nothing', '02 02 0006 03 00', 'none'],
    ['something we do not have', '02 02 0007 03 0d15', 'tls, ttls'],
    ['what it was just offered', '02 02 0006 03 04', 'md5'],
    ['no list at all', '02 02 0005 03', 'none'],
  ])('that wants %s ends in Failure', (_name, hex, wants) => {
    const bench = challenged();
    expect(bench.frame(hex)).toEqual(['04020004', 'reject']);
    expect(bench.effects.at(-1)).toMatchObject({
      denial: 'no-common-method',
      detail: `no common EAP method: we allow md5, ms-chap-v2; the peer wants ${wants}`,
    });
  });

  it('is out of place in answer to Identity', () => {
    const bench = server();
    bench.start();
    expect(bench.frame('02 01 0006 03 1a')).toEqual([]);
  });

  it('is out of place once the method has been answered', () => {
    const bench = new EapBench('authenticator', [eapMsChapV2(), eapMd5()]);
    bench.start();
    const [challenge = ''] = bench.frame(IDENTITY);
    const id = challenge.slice(12, 14);
    expect(bench.frame(`02 02 003d 1a 02 ${id} 0038 31 ${'11'.repeat(49)} 616c`)).toEqual(['verify']);
    expect(bench.verdict({ ok: false, denial: 'bad-credentials' })).toEqual(['attempt-failed', expect.any(String)]);
    expect(bench.frame('02 03 0006 03 04')).toEqual([]);
  });
});

describe('bounds', () => {
  it('an exchange has no more Requests than allowed', () => {
    const bench = new EapBench('authenticator', [eapMd5()], {}, { maxRequests: 1 });
    bench.start();
    expect(bench.frame(IDENTITY)).toEqual(['04010004', 'reject']);
    expect(bench.effects.at(-1)).toMatchObject({ denial: 'protocol' });
  });
});
