import { connect, type Netns } from '../../support/netns.ts';
import type { Bench } from './with-namespaces.ts';

/** One end of a link of the star. */
export interface Point {
  readonly ns: Netns;
  /** Its own address on the link, and the server's. */
  readonly local: string;
  readonly server: string;
  /** The server's device. */
  readonly device: string;
}

/** A server with a link to each of so many clients. */
export const star = (
  { namespace }: Bench,
  clients: number,
): { readonly server: Netns; readonly points: readonly Point[] } => {
  const server = namespace();
  const points = Array.from({ length: clients }, (_, index) => {
    const [ns, device, network] = [namespace(), `out${index}`, `10.21${index}.0`];
    connect(
      { ns: server, device, addresses: [`${network}.1/24`] },
      { ns, device: 'out', addresses: [`${network}.2/24`] },
    );
    return { ns, local: `${network}.2`, server: `${network}.1`, device };
  });
  return { server, points };
};
