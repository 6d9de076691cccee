import type { Guest } from './guest.ts';
import { quote } from './shell.ts';

const SECRET = 'known to the two ends only';

export interface IkeEnd {
  readonly address: string;
  readonly id: string;
}

/** swanctl.conf of one end of a host-to-host connection, transport mode, by shared secret. */
const configuration = (own: IkeEnd, other: IkeEnd): string => `
connections {
  e2e {
    version = 2
    local_addrs = ${own.address}
    remote_addrs = ${other.address}
    proposals = aes256-sha256-x25519
    local {
      auth = psk
      id = ${own.id}
    }
    remote {
      auth = psk
      id = ${other.id}
    }
    children {
      e2e {
        mode = transport
        esp_proposals = aes256gcm16-esn
      }
    }
  }
}
secrets {
  ike-e2e {
    id-1 = ${own.id}
    id-2 = ${other.id}
    secret = "${SECRET}"
  }
}
`;

/** Starts strongSwan's charon in a guest, with the guest's kernel for ESP, and loads the connection `e2e`. */
export const startCharon = async (guest: Guest, own: IkeEnd, other: IkeEnd): Promise<void> => {
  await guest.must('modprobe -a esp4 xfrm_user gcm seqiv');
  await guest.must(`printf %s ${quote(configuration(own, other))} >/etc/swanctl/swanctl.conf`);
  await guest.must('setsid /usr/lib/ipsec/charon >/run/charon.out 2>&1 </dev/null & true');
  await guest.must('for i in $(seq 200); do [ -S /run/charon.vici ] && break; sleep 0.05; done; swanctl --load-all');
};
