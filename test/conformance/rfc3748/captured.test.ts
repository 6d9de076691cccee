import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../../core/bytes/bytes.ts';
import { toHex } from '../../../core/bytes/hex.ts';
import { checkChapMd5Response } from '../../../core/crypto/chap-md5.ts';
import { EAP_PROTOCOL, parseEap, writeEap } from '../../../core/wire/eap.ts';
import { eapMd5 } from '../../../plugins/auth-eap/index.ts';
import { EapBench } from '../../support/eap-bench.ts';
import { readPptpCapture } from '../../support/pptp-capture.ts';

/** Copies of a packet, as a Linux client makes them, left out. */
const exchange = readPptpCapture('pptpd-eap-none')
  .filter(({ protocol }) => protocol === EAP_PROTOCOL)
  .filter(({ information }, i, all) => !equalBytes(information, all[i - 1]?.information ?? new Uint8Array(0)));
const from = (side: 'client' | 'server'): Uint8Array[] =>
  exchange.filter((frame) => frame.from === side).map(({ information }) => information);

describe('the real EAP-MD5 session of pppd', () => {
  it('is read and written again byte for byte', () => {
    expect(exchange.map(({ from: side, information }) => `${side} ${parseEap(information)?.kind}`)).toEqual([
      'server request',
      'client response',
      'server request',
      'client response',
      'server success',
    ]);
    for (const { information } of exchange) {
      const packet = parseEap(information);
      if (packet === undefined) throw new Error(`unreadable: ${toHex(information)}`);
      expect(toHex(writeEap(packet))).toBe(toHex(information));
    }
  });

  it('makes our client say what the recorded client said, and come in', () => {
    const client = new EapBench('peer', [eapMd5()], { localName: 'vpnuser', password: 'clientPass' });
    const [identity, challenge, success] = from('server');
    const [name, proof] = from('client');
    expect(client.frame(identity ?? '')).toEqual([toHex(name ?? new Uint8Array(0))]);
    expect(client.frame(challenge ?? '')).toEqual([toHex(proof ?? new Uint8Array(0))]);
    expect(client.frame(success ?? '')).toEqual(['accept']);
  });

  it('proves the user to our server, which is shown the recorded answers', () => {
    const [, challenge] = from('server');
    const [name, proof] = from('client');
    const answers = [name, proof].map((bytes) => parseEap(bytes ?? new Uint8Array(0)));
    const identifier = parseEap(challenge ?? new Uint8Array(0))?.identifier ?? 0;
    const recorded = challenge?.slice(6, 6 + (challenge[5] ?? 0)) ?? new Uint8Array(0);
    // The same random octets as the recorded server's: first the identifier before the first Request, then the challenge.
    const octets = [Uint8Array.of(identifier - 2), recorded];
    const random = { bytes: () => octets.shift() ?? new Uint8Array(recorded.length) };
    // Its challenge is longer than ours; only this test needs it so.
    const server = new EapBench('authenticator', [eapMd5()], { localName: 'pptpd', random });
    server.start();
    expect(server.frame(name ?? '')).toEqual([toHex(challenge ?? new Uint8Array(0))]);
    expect(server.frame(proof ?? '')).toEqual(['verify']);
    const asked = server.effects.at(-1);
    if (asked?.kind !== 'verify' || asked.method !== 'chap-md5') throw new Error('no question to the back-end');
    const { userName, challenge: used, response } = asked.request;
    expect(userName).toBe('vpnuser');
    expect(checkChapMd5Response(asked.request.identifier, new TextEncoder().encode('clientPass'), used, response)).toBe(
      true,
    );
    expect(answers.map((packet) => packet?.identifier)).toEqual([identifier - 1, identifier]);
  });
});
