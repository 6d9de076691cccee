import { formatIpv4, ipv4 } from '../../../core/bytes/ipv4-address.ts';
import type { UserProfile } from '../../../core/ports/profile.ts';
import {
  ATTRIBUTE,
  type Attribute,
  type AttributeType,
  FRAMED_PROTOCOL_PPP,
  octetsOf,
  SERVICE_TYPE,
  valuesOf,
} from '../wire/index.ts';
import { parseFramedRoute } from './framed-route.ts';
import { parseRates, rateLimits } from './rates.ts';

/** What an Access-Accept comes to, while it is read. */
export interface Draft {
  profile: UserProfile;
  /** What the session cannot be without: sentences. */
  readonly refusals: string[];
  /** What it goes on without: name of the attribute, and why. */
  readonly notes: { readonly name: string; readonly why: string }[];
}

/** How one attribute of an Access-Accept is honoured. */
export interface AcceptRule {
  readonly type: AttributeType<unknown>;
  /** For the table in docs/radius.md. */
  readonly doc: string;
  apply(attributes: readonly Attribute[], draft: Draft): void;
}

type Values<T> = readonly [T, ...T[]];

/** Those of which all count. */
const MANY: ReadonlySet<AttributeType<unknown>> = new Set([
  ATTRIBUTE.framedRoute,
  ATTRIBUTE.class,
  ATTRIBUTE.filterId,
  ATTRIBUTE.replyMessage,
]);

const rule = <T>(
  type: AttributeType<T>,
  doc: string,
  honour: (values: Values<T>, draft: Draft) => Partial<UserProfile>,
): AcceptRule => ({
  type,
  doc,
  apply: (attributes, draft) => {
    const [first, ...more] = valuesOf(attributes, type);
    if (octetsOf(attributes, type).length !== more.length + 1 || first === undefined) {
      draft.refusals.push(`${type.name} is no ${type.kind.name}`);
      return;
    }
    if (more.length > 0 && !MANY.has(type)) note(draft, type, 'it is there more than once, and the first counts');
    draft.profile = { ...draft.profile, ...honour([first, ...more], draft) };
  },
});

const NAS_CHOOSES = 0xfffffffe;
const USER_CHOOSES = 0xffffffff;
const MOST_ROUTES = 16;
const MOST_CLASSES = 8;
const LEAST_INTERIM = 60;
const LEAST_MTU = 68;
const MOST_SECONDS = 0x7fffffff;
const MOST_MESSAGE = 253;

const seconds = (value: number): number => Math.min(value, MOST_SECONDS);
const note = ({ notes }: Draft, { name }: AttributeType<unknown>, why: string): Partial<UserProfile> => {
  notes.push({ name, why });
  return {};
};
const refuse = ({ refusals }: Draft, why: string): Partial<UserProfile> => {
  refusals.push(why);
  return {};
};

const RATE = 'rate=';

/** A rate of another attribute is added to, not replaced, so that one direction each may be given. */
const withRate = ({ profile }: Draft, rate: UserProfile['rate']): Partial<UserProfile> =>
  rate === undefined ? {} : { rate: { ...profile.rate, ...rate } };

/** RFC 2548 section 2.4.5; 8 is what Microsoft's servers say for 56 bits. Who allows 40 bits allows 56. */
const strengthsOf = (types: number): (40 | 56 | 128)[] => [
  ...((types & 4) === 0 ? [] : [128 as const]),
  ...((types & 10) === 0 ? [] : [56 as const]),
  ...((types & 2) === 0 ? [] : [40 as const]),
];

const pushed = (type: (typeof ATTRIBUTE)['msPrimaryDnsServer'], key: 'dns' | 'wins', doc: string): AcceptRule =>
  rule(type, doc, ([address], { profile }) => ({ [key]: [...(profile[key] ?? []), address].slice(0, 2) }));

/** In the order in which they are applied. */
export const ACCEPT_RULES: readonly AcceptRule[] = [
  rule(
    ATTRIBUTE.serviceType,
    'Anything but `Framed` (2) is taken for an Access-Reject, as RFC 2865 wants it.',
    ([value], draft) => (value === SERVICE_TYPE.framed ? {} : refuse(draft, `Service-Type is ${value}, not Framed`)),
  ),
  rule(ATTRIBUTE.framedProtocol, 'Anything but `PPP` (1) refuses the session.', ([value], draft) =>
    value === FRAMED_PROTOCOL_PPP ? {} : refuse(draft, `Framed-Protocol is ${value}, not PPP`),
  ),
  rule(
    ATTRIBUTE.framedIpAddress,
    'The address of the user; it must lie in `PPTP_POOL`. 255.255.255.254 (the gateway chooses) and 255.255.255.255 (the user chooses; not offered) give one from the pool.',
    ([address], draft) => {
      if (address === NAS_CHOOSES) return {};
      if (address !== USER_CHOOSES) return { address };
      return note(draft, ATTRIBUTE.framedIpAddress, 'users do not choose their address: it comes from the pool');
    },
  ),
  rule(
    ATTRIBUTE.framedIpNetmask,
    'Not needed: a PPP link has no mask. Networks behind the user come as Framed-Route; a mask other than 255.255.255.255 is logged once.',
    ([mask], draft) =>
      mask === 0xffffffff ? {} : note(draft, ATTRIBUTE.framedIpNetmask, `${formatIpv4(ipv4(mask))} makes no route`),
  ),
  rule(ATTRIBUTE.framedPool, 'Name of the address pool.', ([pool]) => ({ pool })),
  rule(
    ATTRIBUTE.framedRoute,
    'A network behind the user: `192.168.1.0/24`, also with gateway and metrics, which mean nothing here. Up to 16; one that cannot be read refuses the session.',
    (texts, draft) => {
      const routes = texts.map(parseFramedRoute);
      const good = routes.filter((route) => route !== undefined);
      if (good.length < routes.length) {
        const bad = texts[routes.indexOf(undefined)] ?? '';
        return refuse(draft, `Framed-Route "${bad}" is no network`);
      }
      return good.length > MOST_ROUTES
        ? refuse(draft, `there are ${good.length} Framed-Routes, and at most ${MOST_ROUTES} are possible`)
        : { routes: good };
    },
  ),
  rule(
    ATTRIBUTE.framedMtu,
    'Largest inner packet to the user, where that is less than what the link takes.',
    ([mtu], draft) =>
      mtu < LEAST_MTU ? refuse(draft, `Framed-MTU ${mtu} is less than ${LEAST_MTU}`) : { mtu: Math.min(mtu, 65535) },
  ),
  rule(ATTRIBUTE.framedIpv6Prefix, 'The /64 of the user; another length refuses the session.', ([value], draft) =>
    value.prefixLength === 64
      ? { ipv6Prefix: value.prefix.prefix }
      : refuse(draft, `Framed-IPv6-Prefix has ${value.prefixLength} bits, and a user has a /64`),
  ),
  rule(ATTRIBUTE.sessionTimeout, 'The session ends after so many seconds.', ([value]) => ({
    sessionSeconds: seconds(value),
  })),
  rule(ATTRIBUTE.idleTimeout, 'The session ends after so many seconds without user data.', ([value]) => ({
    idleSeconds: seconds(value),
  })),
  rule(
    ATTRIBUTE.terminationAction,
    '`Default` (0). Another one is logged once: the user dials again instead of proving itself again.',
    ([action], draft) =>
      action === 0 ? {} : note(draft, ATTRIBUTE.terminationAction, 'the session ends at Session-Timeout'),
  ),
  rule(
    ATTRIBUTE.acctInterimInterval,
    'Seconds between interim accounting records; less than 60 is 60, as RFC 2869 has it.',
    ([value], draft) => {
      if (value >= LEAST_INTERIM) return { interimSeconds: seconds(value) };
      note(draft, ATTRIBUTE.acctInterimInterval, `${value} s is too often: ${LEAST_INTERIM} s is taken`);
      return { interimSeconds: LEAST_INTERIM };
    },
  ),
  rule(ATTRIBUTE.class, 'Given back in accounting, up to 8 of them.', (classes, draft) => {
    if (classes.length > MOST_CLASSES) note(draft, ATTRIBUTE.class, `only the first ${MOST_CLASSES} are kept`);
    return { classes: classes.slice(0, MOST_CLASSES) };
  }),
  rule(
    ATTRIBUTE.filterId,
    'Name of a packet filter of `PPTP_FILTERS_FILE`; one that does not exist refuses the session. `rate=10M/50M` is no name but a rate: bits a second from the user, then to the user, with `k`, `M` or `G`; one number is for both, 0 for no limit.',
    (names, draft) => {
      const rates = names.filter((name) => name.startsWith(RATE));
      const filters = names.filter((name) => !name.startsWith(RATE));
      const [filter, ...more] = filters;
      if (more.length > 0) return refuse(draft, `there are ${filters.length} Filter-Ids, and a session has one filter`);
      let found: Partial<UserProfile> = filter === undefined ? {} : { filter };
      for (const text of rates) {
        const rate = parseRates(text.slice(RATE.length));
        if (rate === undefined) return refuse(draft, `Filter-Id "${text}" is no rate such as rate=10M/50M`);
        found = { ...found, rate: { ...draft.profile.rate, ...rate } };
      }
      return found;
    },
  ),
  rule(ATTRIBUTE.wisprBandwidthMaxUp, 'Rate from the user, in bits a second; 0: no limit.', ([rate], draft) =>
    withRate(draft, rateLimits(rate, 0)),
  ),
  rule(ATTRIBUTE.wisprBandwidthMaxDown, 'Rate to the user, in bits a second; 0: no limit.', ([rate], draft) =>
    withRate(draft, rateLimits(0, rate)),
  ),
  rule(
    ATTRIBUTE.mikrotikRateLimit,
    '`10M/50M`: rate from the user, then to the user. Bursts and priorities behind it are logged once.',
    ([value], draft) => {
      const [rates = '', ...rest] = value.trim().split(/\s+/);
      const rate = parseRates(rates);
      if (rate === undefined) return refuse(draft, `Mikrotik-Rate-Limit "${value}" is no rate such as 10M/50M`);
      if (rest.length > 0) note(draft, ATTRIBUTE.mikrotikRateLimit, 'bursts and priorities are passed over');
      return withRate(draft, rate);
    },
  ),
  rule(ATTRIBUTE.portLimit, 'More than one link is not possible; 0 refuses the session.', ([links], draft) =>
    links === 0 ? refuse(draft, 'Port-Limit is 0') : {},
  ),
  rule(
    ATTRIBUTE.replyMessage,
    'Shown to the user where the method can: `M=` of MS-CHAP, the text of CHAP and PAP.',
    (texts) => {
      const message = texts
        .join('')
        .replace(/[^\x20-\x7e]/g, ' ')
        .trim()
        .slice(0, MOST_MESSAGE);
      return message === '' ? {} : { message };
    },
  ),
  pushed(ATTRIBUTE.msPrimaryDnsServer, 'dns', 'First name server given to the user.'),
  pushed(ATTRIBUTE.msSecondaryDnsServer, 'dns', 'Second name server.'),
  pushed(ATTRIBUTE.msPrimaryNbnsServer, 'wins', 'First WINS server.'),
  pushed(ATTRIBUTE.msSecondaryNbnsServer, 'wins', 'Second WINS server.'),
  rule(
    ATTRIBUTE.msMppeEncryptionPolicy,
    '1: encryption may be left out, 2: it must not. It never weakens `PPTP_ENCRYPTION`.',
    ([policy], draft) =>
      policy === 1 || policy === 2
        ? { encryption: { ...draft.profile.encryption, required: policy === 2 } }
        : refuse(draft, `MS-MPPE-Encryption-Policy ${policy} is unknown`),
  ),
  rule(
    ATTRIBUTE.msMppeEncryptionTypes,
    'Key lengths that are allowed, of those of the gateway: 2 for 40 bits (and 56), 4 for 128, 8 for 56; the sum of them.',
    ([types], { profile }) => ({
      encryption: { required: profile.encryption?.required ?? false, strengths: strengthsOf(types) },
    }),
  ),
];

/** Read elsewhere, or by the way of the packet alone. */
export const SILENT_TYPES: readonly AttributeType<unknown>[] = [
  ATTRIBUTE.userName,
  ATTRIBUTE.state,
  ATTRIBUTE.proxyState,
  ATTRIBUTE.eapMessage,
  ATTRIBUTE.messageAuthenticator,
  ATTRIBUTE.msChap2Success,
  ATTRIBUTE.msMppeSendKey,
  ATTRIBUTE.msMppeRecvKey,
  ATTRIBUTE.msChapMppeKeys,
];
