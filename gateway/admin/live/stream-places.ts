import { AdminError } from '../route.ts';
import { sourceOf } from '../tcp-source.ts';

/** Streams of one gateway at a time. */
export const MOST_STREAMS = 64;
/** Of them by one token: who forgets to close some leaves places to those with another, and to the socket. */
export const MOST_OF_TOKEN = 48;
/** Of them from one source over TCP. */
export const MOST_OF_SOURCE = 32;
/** How the guard calls who comes by the Unix socket. */
const SOCKET = 'socket';

/** Who wants a stream, as the guard of the app has found out. */
export interface StreamHolder {
  readonly role: string | null;
  readonly from: string;
}

interface Place {
  readonly token: string;
  readonly source: string;
}

const share = (code: string, message: string): AdminError =>
  new AdminError(429, code, message, { headers: { 'retry-after': '5' } });

/** Who has the places for streams. */
export class StreamPlaces {
  readonly #taken = new Set<Place>();

  /** Returns how it is given back. Throws AdminError: TOO_MANY_STREAMS, TOKEN_STREAMS or SOURCE_STREAMS. */
  take({ role, from }: StreamHolder): () => void {
    // There is one token of each role.
    const isSocket = from === SOCKET;
    const place: Place = { token: isSocket ? SOCKET : `${role}`, source: sourceOf(from) };
    const count = (fits: (other: Place) => boolean): number => [...this.#taken].filter(fits).length;
    if (this.#taken.size >= MOST_STREAMS) {
      const message = `${MOST_STREAMS} streams are open already: close some of them.`;
      throw new AdminError(503, 'TOO_MANY_STREAMS', message, { headers: { 'retry-after': '5' } });
    }
    if (count(({ token }) => token === place.token) >= MOST_OF_TOKEN) {
      const whose = isSocket ? 'by the socket' : `with the ${role} token`;
      throw share('TOKEN_STREAMS', `${MOST_OF_TOKEN} streams are open ${whose} already: close some of them.`);
    }
    if (!isSocket && count(({ source }) => source === place.source) >= MOST_OF_SOURCE) {
      throw share('SOURCE_STREAMS', `${MOST_OF_SOURCE} streams are open from ${from} already: close some of them.`);
    }
    this.#taken.add(place);
    return () => void this.#taken.delete(place);
  }
}
