import { AUTH_DENIALS } from '../../core/ports/auth.ts';
import { type Check, isText, listOf, optional } from '../value-checks.ts';

// Whether what a plug-in answered is what its port allows: plug-ins in JavaScript have no compiler to tell them, and what
// is none must not get as far as a session.

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
/** A field of anything, a getter's too; undefined of what is no object. */
const field = (value: unknown, name: string): unknown => (isObject(value) ? Reflect.get(value, name) : undefined);

const whole =
  (least: number, most: number): Check =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
const isAmount: Check = (value) => typeof value === 'number' && value >= 0 && Number.isFinite(value);
const isRate: Check = (value) => isAmount(value) && value !== 0;
const isAddress = whole(0, 0xffff_ffff);
const octets =
  (least: number, most: number): Check =>
  (value) =>
    value instanceof Uint8Array && value.length >= least && value.length <= most;

/** All of the named fields are as they must be; others are not looked at. */
const shaped =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries(checks).every(([name, check]) => check(field(value, name)));

const isRateLimit = shaped({ bitsPerSecond: isRate, burstOctets: optional(isAmount) });
const STRENGTHS: readonly unknown[] = [40, 56, 128];
const isStrength: Check = (value) => STRENGTHS.includes(value);

/** `UserProfile` of core/ports/profile.ts. */
export const fitsProfile = shaped({
  address: optional(isAddress),
  pool: optional(isText),
  idleSeconds: optional(isAmount),
  sessionSeconds: optional(isAmount),
  routes: optional(listOf(shaped({ network: isAddress, prefixLength: whole(0, 32) }), 16)),
  rate: optional(shaped({ up: optional(isRateLimit), down: optional(isRateLimit) })),
  quotaOctets: optional(isAmount),
  interimSeconds: optional(isAmount),
  classes: optional(listOf(octets(0, 253), 8)),
  filter: optional(isText),
  dns: optional(listOf(isAddress, 2)),
  wins: optional(listOf(isAddress, 2)),
  mtu: optional(whole(1, 65_535)),
  encryption: optional(
    shaped({ required: (value) => typeof value === 'boolean', strengths: optional(listOf(isStrength, 3)) }),
  ),
  ipv6Prefix: optional(shaped({ high: isAddress, low: isAddress })),
  message: optional(isText),
});

const fitsKeys = shaped({
  send: octets(16, 16),
  receive: octets(16, 16),
  strengths: optional(listOf(isStrength, 3)),
});

const GRANTS: Readonly<Record<string, Check>> = {
  'ms-chap-v1': shaped({ keys: fitsKeys }),
  'ms-chap-v1-change': shaped({ keys: fitsKeys }),
  'ms-chap-v2': shaped({ authenticatorResponse: isText, keys: fitsKeys }),
  'ms-chap-v2-change': shaped({ authenticatorResponse: isText, keys: fitsKeys }),
};

const DENIALS: readonly unknown[] = AUTH_DENIALS;
const isDenial: Check = (value) => DENIALS.includes(value);

/** `BackEndAnswer` of core/ports/auth.ts, to this kind of proof. */
export const fitsBackEndAnswer =
  (kind: string) =>
  (answer: unknown): boolean => {
    const [ok, denial] = [field(answer, 'ok'), field(answer, 'denial')];
    if (ok === false) return denial === 'unknown-user' || isDenial(denial);
    return ok === true && shaped({ identity: isText, profile: fitsProfile, grant: GRANTS[kind] ?? isObject })(answer);
  };

/** `PolicyAnswer` of core/ports/policy.ts. */
export const fitsAdmission = (answer: unknown): boolean => {
  const admit = field(answer, 'admit');
  if (admit === false) return shaped({ denial: isText, detail: isText })(answer);
  return admit === true && shaped({ profile: optional(fitsProfile) })(answer);
};

const isPacket = octets(4, 65_535);
const RELAYED: ReadonlyMap<unknown, Check> = new Map<unknown, Check>([
  ['challenge', shaped({ message: isPacket })],
  ['accept', shaped({ message: optional(isPacket), identity: isText, profile: fitsProfile, keys: optional(fitsKeys) })],
  ['reject', shaped({ message: optional(isPacket), denial: isDenial })],
]);

/** `EapRelayAnswer` of core/ports/eap-relay.ts. */
export const fitsRelayAnswer = (answer: unknown): boolean => {
  const kind = field(answer, 'kind');
  return kind === 'not-mine' || RELAYED.get(kind)?.(answer) === true;
};

const NO_LEASE: readonly unknown[] = ['exhausted', 'in-use', 'outside-pool', 'no-such-pool', 'unavailable'];

/** `AddressLease` of core/ports/addresses.ts. */
export const fitsLease = (answer: unknown): boolean => {
  const ok = field(answer, 'ok');
  return ok === true ? isAddress(field(answer, 'address')) : ok === false && NO_LEASE.includes(field(answer, 'why'));
};
