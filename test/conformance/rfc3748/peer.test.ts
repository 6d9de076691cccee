import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../../core/bytes/ascii.ts';
import { fromHex, toHex } from '../../../core/bytes/hex.ts';
import { chapMd5Response } from '../../../core/crypto/chap-md5.ts';
import { eapMd5, eapMsChapV2 } from '../../../plugins/auth-eap/index.ts';
import { EapBench } from '../../support/eap-bench.ts';

const peer = (methods = [eapMd5()]): EapBench => new EapBench('peer', methods);
const IDENTITY = '01 05 0005 01';
const CHALLENGE = '01 06 000a 04 04 01020304';
const value = (identifier: number): string =>
  toHex(chapMd5Response(identifier, asciiBytes('secret'), fromHex('01020304')));
const RESPONSE = `0206001b0410${value(6)}616c696365`;

describe('RFC 3748 section 4.1: Responses', () => {
  it('says nothing before it is asked', () => {
    const bench = peer();
    expect(bench.start()).toEqual([]);
    expect(bench.wait(60_000)).toEqual([]);
  });

  it('names itself, proves itself, and believes the Success', () => {
    const bench = peer();
    expect(bench.frame(IDENTITY)).toEqual(['0205000a01616c696365']);
    expect(bench.frame(CHALLENGE)).toEqual([RESPONSE]);
    expect(bench.frame('03 06 0004')).toEqual(['accept']);
  });

  it('answers a Request that comes again with the same Response', () => {
    const bench = peer([eapMsChapV2()]);
    const request = `01 06 001c 1a 01 09 0017 10 ${'ab'.repeat(16)} 6777`;
    const [first] = bench.frame(request);
    expect(first).toMatch(/^020600/);
    expect(bench.frame(request)).toEqual([first]);
  });

  it('works out a new Response for the same identifier with another challenge', () => {
    const bench = peer();
    const [first] = bench.frame(CHALLENGE);
    expect(bench.frame('01 06 000a 04 04 05060708')).not.toEqual([first]);
  });

  it('acknowledges a Notification', () => {
    expect(peer().frame('01 09 0007 02 4869')).toEqual(['0209000502']);
  });

  it.each([
    ['a Response', '02 05 0005 01'],
    ['a Nak as a Request', '01 05 0006 03 04'],
    ['a challenge without a value', '01 05 0006 04 00'],
  ])('discards %s', (_name, hex) => {
    expect(peer().frame(hex)).toEqual([]);
  });
});

describe('RFC 3748 section 5.3.1: Nak', () => {
  it('names what it would rather use, best first', () => {
    expect(peer([eapMsChapV2(), eapMd5()]).frame('01 06 0006 0d 20')).toEqual(['02060007031a04']);
  });

  it('is no wrong password when a Failure follows: there was no method in common', () => {
    const bench = peer();
    bench.frame(IDENTITY);
    expect(bench.frame('01 06 0006 0d 20')).toEqual(['020600060304']);
    expect(bench.frame('04 06 0004')).toEqual(['reject']);
    expect(bench.effects.at(-1)).toMatchObject({
      denial: 'no-common-method',
      detail: 'no common EAP method: we allow md5; the peer asks for tls',
    });
  });

  it('is forgotten once the other side proposes what we know: then a Failure is a wrong password', () => {
    const bench = peer();
    bench.frame(IDENTITY);
    bench.frame('01 05 0006 0d 20');
    expect(bench.frame(CHALLENGE)).toEqual([RESPONSE]);
    expect(bench.frame('04 06 0004')).toEqual(['attempt-failed', 'reject']);
    expect(bench.effects.at(-1)).toMatchObject({ denial: 'bad-credentials' });
  });

  it('answers an expanded type with a legacy Nak', () => {
    expect(peer().frame('01 06 000c fe 000000 00000004')).toEqual(['020600060304']);
  });

  it('is not used once a method was answered: another method is discarded', () => {
    const bench = peer([eapMd5(), eapMsChapV2()]);
    bench.frame(CHALLENGE);
    expect(bench.frame(`01 07 001c 1a 01 09 0017 10 ${'ab'.repeat(16)} 6777`)).toEqual([]);
  });

  it('never proves itself with a method that is not configured', () => {
    expect(peer([eapMsChapV2()]).frame(CHALLENGE)).toEqual(['02060006031a']);
  });
});

describe('RFC 3748 section 4.2: Success and Failure', () => {
  it('a Success before any proof is discarded', () => {
    const bench = peer();
    expect(bench.frame('03 05 0004')).toEqual([]);
    bench.frame(IDENTITY);
    expect(bench.frame('03 05 0004')).toEqual([]);
  });

  it('a Success before the server has proved itself is discarded', () => {
    const bench = peer([eapMsChapV2()]);
    bench.frame(`01 06 001c 1a 01 09 0017 10 ${'ab'.repeat(16)} 6777`);
    expect(bench.frame('03 06 0004')).toEqual([]);
    expect(bench.input({ kind: 'network-started' })).toEqual([]);
  });

  it('a Success with the next identifier is taken, as pppd sends it; others are not', () => {
    const bench = peer();
    bench.frame(CHALLENGE);
    expect(bench.frame('03 05 0004')).toEqual([]);
    expect(bench.frame('03 08 0004')).toEqual([]);
    expect(bench.frame('03 07 0004')).toEqual(['accept']);
  });

  it('a network protocol says what a lost Success would have said', () => {
    const bench = peer();
    expect(bench.input({ kind: 'network-started' })).toEqual([]);
    bench.frame(CHALLENGE);
    expect(bench.input({ kind: 'network-started' })).toEqual(['accept']);
  });

  it('a Failure is the end', () => {
    const bench = peer();
    bench.frame(CHALLENGE);
    expect(bench.frame('04 06 0004')).toEqual(['attempt-failed', 'reject']);
    expect(bench.frame('03 06 0004')).toEqual([]);
    expect(bench.frame(IDENTITY)).toEqual([]);
  });
});
