import { describe, expect, it } from 'vitest';
import {
  MOST_OF_SOURCE,
  MOST_OF_TOKEN,
  MOST_STREAMS,
  type StreamHolder,
  StreamPlaces,
} from '../../../../gateway/admin/live/stream-places.ts';

const SOCKET: StreamHolder = { role: 'admin', from: 'socket' };
const reader = (at: number): StreamHolder => ({ role: 'read', from: `192.0.2.${at}` });

/** The code of the refusal, or undefined. */
const refusal = (places: StreamPlaces, holder: StreamHolder): unknown => {
  try {
    places.take(holder);
    return undefined;
  } catch (error) {
    return Object(error).code;
  }
};
/** How many of so many tries got a place. */
const takeMany = (places: StreamPlaces, tries: number, holder: (at: number) => StreamHolder): number =>
  Array.from({ length: tries }, (_, at) => refusal(places, holder(at))).filter((code) => code === undefined).length;

describe('places for streams', () => {
  it('are not all for one token, from however many sources: others and the socket find some', () => {
    const places = new StreamPlaces();
    expect(takeMany(places, 200, reader)).toBe(MOST_OF_TOKEN);
    expect(refusal(places, reader(1))).toBe('TOKEN_STREAMS');
    expect(refusal(places, { role: 'admin', from: '192.0.2.1' })).toBeUndefined();
    expect(refusal(places, SOCKET)).toBeUndefined();
  });

  it('are not all for one source, with whatever tokens; hosts of one IPv6 network are one', () => {
    const places = new StreamPlaces();
    const roles = ['read', 'operate', 'admin'];
    const from = (at: number): StreamHolder => ({ role: roles[at % 3] ?? null, from: `2001:db8::${at.toString(16)}` });
    expect(takeMany(places, 200, from)).toBe(MOST_OF_SOURCE);
    expect(refusal(places, from(201))).toBe('SOURCE_STREAMS');
    expect(refusal(places, { role: 'read', from: '2001:db8:0:1::1' })).toBeUndefined();
  });

  it('are not all for the socket', () => {
    const places = new StreamPlaces();
    expect(takeMany(places, 200, () => SOCKET)).toBe(MOST_OF_TOKEN);
    expect(refusal(places, SOCKET)).toBe('TOKEN_STREAMS');
    expect(takeMany(places, 200, reader)).toBe(MOST_STREAMS - MOST_OF_TOKEN);
    expect(refusal(places, reader(1))).toBe('TOO_MANY_STREAMS');
  });

  it('are free again, once, when they are given back', () => {
    const places = new StreamPlaces();
    const leave = places.take(SOCKET);
    takeMany(places, 200, () => SOCKET);
    leave();
    leave();
    expect([refusal(places, SOCKET), refusal(places, SOCKET)]).toEqual([undefined, 'TOKEN_STREAMS']);
  });
});
