import { GatewayError } from '../../core/errors.ts';
import { WHY_REFUSED } from '../../core/machine/ppp-link-auth.ts';
import { YIELDED } from '../../core/machine/pptp-collision.ts';
import type { ClientEvent } from './pptp-client.ts';

/** What is known of a call when it is over. */
export interface CallRecord {
  readonly events: readonly ClientEvent[];
  /** What the link was ending for when the call ended. */
  readonly failing: { readonly reason: string; readonly detail: string } | undefined;
  /** A PPP frame of the server arrived. */
  readonly heard: boolean;
  readonly wasUp: boolean;
  readonly server: string;
}

type Of<K extends ClientEvent['kind']> = Extract<ClientEvent, { readonly kind: K }>;

const find = <K extends ClientEvent['kind']>(events: readonly ClientEvent[], kind: K): Of<K> | undefined =>
  events.find((event): event is Of<K> => event.kind === kind);

/** "pap: the user store cannot be asked", and what followed from it. */
const CANNOT_JUDGE = new RegExp(`^[^:]*: ${WHY_REFUSED.unavailable}(;|$)`);

const sentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`);

/** Why the call is over, in a sentence: the first cause, not what followed from it. */
export const explainEnd = ({ events, failing, heard, wasUp, server }: CallRecord): GatewayError => {
  const failed = find(events, 'call-failed');
  if (failed !== undefined) {
    const advice = failed.detail.startsWith('Incoming-Call-Reply')
      ? ' It has to be told to take announced calls: a pptp-gateway with PPTP_ACCEPT_INCOMING_CALLS=true.'
      : '';
    return new GatewayError(
      'DIAL_REFUSED',
      `The server ${server} did not take the call: ${sentence(failed.detail)}${advice}`,
    );
  }
  const link = find(events, 'link-closed') ?? failing;
  if (link?.reason === 'authentication-failed') {
    if (CANNOT_JUDGE.test(link.detail)) {
      return new GatewayError(
        'DIAL_UNAVAILABLE',
        `The server ${server} cannot check users at the moment, and so refuses all of them: what it asks about them is ` +
          'out of order there, and the password may be right. Try again later.',
      );
    }
    return new GatewayError('DIAL_AUTH', `Authentication with ${server} failed: ${sentence(link.detail)}`);
  }
  const call = find(events, 'call-closed');
  if (call !== undefined && !heard) {
    return new GatewayError(
      'DIAL_NO_GRE',
      `The call to ${server} was up, but no GRE packet arrived: a firewall, router or provider between here and the ` +
        'server drops IP protocol 47 (GRE); let it pass in both directions.',
    );
  }
  if (link !== undefined && link.reason !== 'administrative') {
    const what = wasUp ? `The tunnel to ${server} ended` : `No tunnel to ${server} could be made`;
    return new GatewayError('DIAL_LOST', `${what} (${link.reason}): ${sentence(link.detail)}`);
  }
  const ended = find(events, 'ended');
  if (ended?.detail === YIELDED) {
    return new GatewayError('DIAL_YIELDED', `The other site has a connection with us: that of ${server} goes on.`);
  }
  if (call === undefined && ended?.established === false) {
    const code = ended.detail.startsWith('Start-Control-Connection-Reply') ? 'DIAL_REFUSED' : 'DIAL_FAILED';
    return new GatewayError(code, `No control connection with ${server}: ${sentence(ended.detail)}`);
  }
  const detail = call?.detail ?? ended?.detail ?? 'the call ended';
  return new GatewayError('DIAL_LOST', `The tunnel to ${server} ended: ${sentence(detail)}`);
};
