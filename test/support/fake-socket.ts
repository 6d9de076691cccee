import { Socket } from 'node:net';

/** A socket without a connection that says it has one. */
export const fakeSocket = (peer: string | undefined, own = '192.0.2.1'): Socket =>
  Object.defineProperties(new Socket(), { remoteAddress: { value: peer }, localAddress: { value: own } });
