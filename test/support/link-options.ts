import { ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { LinkOptions, NetworkProfile } from '../../core/machine/ppp-link-types.ts';
import { passwordMethod } from './password-method.ts';
import { seededRandom } from './seeded-random.ts';

/** The values of RFC 1661 section 4.6 and the gateway's defaults. */
export const serverOptions = (changes: Partial<LinkOptions> = {}): LinkOptions => ({
  role: 'server',
  mru: 1400,
  authMethods: [passwordMethod()],
  localName: 'gateway',
  encryption: 'required',
  mppeStrengths: [128],
  restartMs: 3000,
  maxConfigure: 10,
  maxTerminate: 2,
  maxFailure: 5,
  echoIntervalMs: 30_000,
  echoFailures: 4,
  authTimeoutMs: 30_000,
  random: seededRandom(7),
  ...changes,
});

export const clientOptions = (changes: Partial<LinkOptions> = {}): LinkOptions =>
  serverOptions({
    role: 'client',
    localName: 'alice',
    password: 'secret',
    random: seededRandom(99),
    ...changes,
  });

export const PROFILE: NetworkProfile = {
  localAddress: ipv4(0x0a4e0101),
  peerAddress: ipv4(0x0a4e010a),
  dns: [ipv4(0x0a000035), ipv4(0x0a000036)],
  wins: [],
};
