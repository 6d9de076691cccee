import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { asciiBytes } from '../../../../core/bytes/ascii.ts';
import { parseIpv4 } from '../../../../core/bytes/ipv4-address.ts';
import {
  ATTRIBUTE,
  attribute,
  authenticatorOf,
  CODE,
  firstOf,
  hidePassword,
  octets,
  openReply,
  openRequest,
  sealRequest,
  splitEap,
} from '../../../../plugins/radius/wire/index.ts';

interface Decoded {
  readonly code: string;
  readonly identifier: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** The package `radius`, which has no types: another implementation, to agree with. */
interface Oracle {
  decode(options: { readonly packet: Buffer; readonly secret: string }): Decoded;
  encode(options: Readonly<Record<string, unknown>>): Buffer;
  encode_response(options: Readonly<Record<string, unknown>>): Buffer;
}
const oracle: Oracle = createRequire(import.meta.url)('radius');

const secret = 'a secret of some length';
const key = asciiBytes(secret);
const authenticator = Uint8Array.from({ length: 16 }, (_, i) => 7 * i + 1);
const nas = parseIpv4('192.0.2.7') ?? expect.fail();

const accessRequest = (password: string): Uint8Array =>
  sealRequest(
    {
      code: CODE.accessRequest,
      identifier: 9,
      authenticator,
      attributes: [
        attribute(ATTRIBUTE.userName, 'zoë'),
        octets(
          ATTRIBUTE.userPassword,
          hidePassword(new TextEncoder().encode(password), key, authenticator) ?? expect.fail(),
        ),
        attribute(ATTRIBUTE.nasIpAddress, nas),
        attribute(ATTRIBUTE.nasPortType, 5),
      ],
    },
    key,
  ) ?? expect.fail();

describe('the package radius as the other side', () => {
  it.each(['secret', 'sixteen octets !', 'a password of more than sixteen octets, which takes three blocks'])(
    'reads our Access-Request with the password "%s"',
    (password) => {
      const decoded = oracle.decode({ packet: Buffer.from(accessRequest(password)), secret });
      expect(decoded).toMatchObject({
        code: 'Access-Request',
        identifier: 9,
        attributes: {
          'User-Name': 'zoë',
          'User-Password': password,
          'NAS-IP-Address': '192.0.2.7',
          'NAS-Port-Type': 'Virtual',
        },
      });
    },
  );

  it('answers us, and we believe it', () => {
    const request = accessRequest('secret');
    const decoded = oracle.decode({ packet: Buffer.from(request), secret });
    const reply = oracle.encode_response({
      packet: decoded,
      code: 'Access-Accept',
      secret,
      attributes: [
        ['Framed-IP-Address', '10.1.2.3'],
        ['Session-Timeout', 600],
        ['Reply-Message', 'hello'],
      ],
    });
    const opened = openReply(reply, authenticatorOf(request), key, true);
    if (typeof opened === 'string') return expect.fail(opened);
    expect(opened.code).toBe(CODE.accessAccept);
    expect(firstOf(opened.attributes, ATTRIBUTE.framedIpAddress)).toBe(parseIpv4('10.1.2.3'));
    expect(firstOf(opened.attributes, ATTRIBUTE.sessionTimeout)).toBe(600);
    expect(firstOf(opened.attributes, ATTRIBUTE.replyMessage)).toBe('hello');
    return undefined;
  });

  it('checks our Accounting-Request', () => {
    const sealed = (withKey: Uint8Array): Buffer =>
      Buffer.from(
        sealRequest(
          {
            code: CODE.accountingRequest,
            identifier: 1,
            authenticator,
            attributes: [attribute(ATTRIBUTE.acctStatusType, 1), attribute(ATTRIBUTE.acctSessionId, 's-1')],
          },
          withKey,
          false,
        ) ?? expect.fail(),
      );
    expect(oracle.decode({ packet: sealed(key), secret }).attributes).toEqual({
      'Acct-Status-Type': 'Start',
      'Acct-Session-Id': 's-1',
    });
    expect(() => oracle.decode({ packet: sealed(asciiBytes('other')), secret })).toThrow(/authenticator/i);
  });

  it('sends requests that we open', () => {
    const accounting = oracle.encode({
      code: 'Accounting-Request',
      secret,
      identifier: 3,
      attributes: [
        ['Acct-Status-Type', 'Stop'],
        ['User-Name', 'alice'],
      ],
    });
    const opened = openRequest(accounting, key, false);
    if (typeof opened === 'string') return expect.fail(opened);
    expect(firstOf(opened.attributes, ATTRIBUTE.acctStatusType)).toBe(2);
    expect(openRequest(new Uint8Array(accounting), asciiBytes('other'), false)).toBe('bad-authenticator');
    const access = oracle.encode({
      code: 'Access-Request',
      secret,
      identifier: 4,
      add_message_authenticator: true,
      attributes: [['User-Name', 'alice']],
    });
    const before = Buffer.from(access);
    expect(typeof openRequest(access, key, true)).toBe('object');
    // Slices of a Buffer share its memory: nothing of the caller's may be written to.
    expect(access).toEqual(before);
    return undefined;
  });

  it('checks the Message-Authenticator of a packet with EAP', () => {
    const packet =
      sealRequest(
        {
          code: CODE.accessRequest,
          identifier: 2,
          authenticator,
          attributes: [attribute(ATTRIBUTE.userName, 'alice'), ...splitEap(new Uint8Array(600).fill(3))],
        },
        key,
      ) ?? expect.fail();
    expect(oracle.decode({ packet: Buffer.from(packet), secret }).code).toBe('Access-Request');
    packet[packet.length - 1] = 4;
    expect(() => oracle.decode({ packet: Buffer.from(packet), secret })).toThrow(/[Mm]essage-?[Aa]uthenticator/);
  });
});
