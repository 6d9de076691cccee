import type { Guest } from './guest.ts';
import { quote } from './shell.ts';

/** Starts strongSwan's charon in a guest, with the guest's kernel for ESP, and loads this `swanctl.conf`. */
export const startCharon = async (guest: Guest, configuration: string): Promise<void> => {
  await guest.must('modprobe -a esp4 xfrm_user gcm seqiv');
  await guest.must(`printf %s ${quote(configuration)} >/etc/swanctl/swanctl.conf`);
  await guest.must('setsid /usr/lib/ipsec/charon >/run/charon.out 2>&1 </dev/null & true');
  await guest.must('for i in $(seq 200); do [ -S /run/charon.vici ] && break; sleep 0.05; done; swanctl --load-all');
};
