import { type Ipv4, ipv4, parseIpv4 } from '../../../core/bytes/ipv4-address.ts';
import type { InnerNetwork } from '../../../core/ports/profile.ts';
import * as kinds from '../../../core/ports/setting-kinds.ts';
import type { SettingKind, Settings } from '../../../core/ports/settings.ts';
import { bothOrNeither } from '../both-or-neither.ts';

export interface CoaSettings {
  readonly coaClients: readonly InnerNetwork[];
  readonly coaSecret: string | undefined;
  readonly coaListen: Ipv4;
  readonly coaPort: number;
  readonly coaRequireMessageAuthenticator: boolean;
  readonly coaRequireTimestamp: boolean;
}

const parseNetwork = (text: string): InnerNetwork | undefined => {
  const [, address = '', length = '32'] = /^([\d.]+)(?:\/(\d{1,2}))?$/.exec(text) ?? [];
  const network = parseIpv4(address);
  const prefixLength = Number(length);
  if (network === undefined || prefixLength > 32) return undefined;
  const kept = prefixLength === 0 ? 0 : (network & (0xffffffff << (32 - prefixLength))) >>> 0;
  return kept === network ? { network, prefixLength } : undefined;
};

/** One host or a network whose host bits are zero. */
const network: SettingKind<InnerNetwork> = kinds.custom(
  'an IPv4 address or network such as 192.0.2.1 or 192.0.2.0/24',
  parseNetwork,
);

export const coaSettings: Settings<CoaSettings> = {
  coaClients: {
    kind: kinds.list(network),
    default: [],
    doc: 'Who may end and change sessions by Disconnect-Request and CoA-Request (RFC 5176): addresses or networks. Empty: the port is not opened.',
    live: true,
    liveFor: bothOrNeither,
  },
  coaSecret: {
    kind: kinds.text(),
    default: undefined,
    secret: true,
    doc: 'Secret shared with those clients, if it is another one than `sharedSecret`.',
    live: true,
  },
  coaListen: {
    kind: kinds.ipv4Address,
    default: ipv4(0),
    doc: 'Address for Disconnect-Request and CoA-Request; name one where the machine has several, so that answers leave from it.',
  },
  coaPort: { kind: kinds.integer(1, 65_535), default: 3799, doc: 'UDP port for them.' },
  coaRequireMessageAuthenticator: {
    kind: kinds.toggle,
    default: false,
    doc: 'Drop such requests without Message-Authenticator. One that is there is always checked; the Request Authenticator, which each has, covers all of it with the secret already.',
    live: true,
  },
  coaRequireTimestamp: {
    kind: kinds.toggle,
    default: false,
    doc: 'Drop such requests without Event-Timestamp, which is what a recorded one can be told by. One that is there must be within 300 s.',
    live: true,
  },
};
