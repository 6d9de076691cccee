import { arrived } from './arrived.ts';
import type { GatewayLab, LabPeer } from './gateway-lab.ts';

type Passes = (...packets: readonly Uint8Array[]) => Promise<readonly Uint8Array[]>;

/** Sends packets from a client, or to it, and says what has arrived at the other end a moment later. */
export const passing = (
  lab: GatewayLab,
  client: Pick<LabPeer, 'tun'>,
): { readonly fromClient: Passes; readonly toClient: Passes } => {
  const from =
    (here: LabPeer['tun'], there: LabPeer['tun']): Passes =>
    async (...packets) => {
      for (const packet of packets) here.hostSends(packet);
      await lab.clock.advance(50);
      return arrived(there);
    };
  return { fromClient: from(client.tun, lab.tun), toClient: from(lab.tun, client.tun) };
};
