import { formatIpv4, type Ipv4, parseIpv4 } from '../../../core/bytes/ipv4-address.ts';
import { GRE_CHANNEL } from '../../../core/datapath/gre-channel.ts';
import type { SessionView } from '../../../core/datapath/session.ts';
import type { Instant } from '../../../core/time.ts';
import type { LiveTunnel } from '../../session/live-tunnel.ts';
import type { SessionSort, SessionsPage, SessionsQuery } from '../api/sessions.ts';
import { compareKeyed, firstOf, peerKey, type SortKey } from './order.ts';
import { pageWish } from './page.ts';
import { dropsOf, type Now, type Rates, sessionRow, sessionSeconds, wallMs } from './session-json.ts';
import { isUser } from './user-names.ts';

/** Two looks that are closer than this share their rates. */
const LEAST_MS = 900;
/** A rate over more than this says nothing of now. */
const MOST_MS = 10_000;
const SECOND_MS = 1000;
const NO_RATES: Rates = { rateIn: 0, rateOut: 0 };

/** What is kept of a session between two looks, and what it is sorted by in this one. */
class Look implements Rates {
  readonly tunnel: LiveTunnel;
  readonly id: string;
  octetsIn = 0;
  octetsOut = 0;
  rateIn = 0;
  rateOut = 0;
  key: SortKey = null;
  private text: string | undefined;
  private textOf: { readonly user: string | undefined; readonly address: Ipv4 | undefined } | undefined;

  constructor(tunnel: LiveTunnel) {
    this.tunnel = tunnel;
    this.id = tunnel.session.id;
  }

  /** Where `search` looks, without case. */
  get words(): string {
    const { identity: user, address } = this.tunnel.session;
    if (this.text === undefined || this.textOf?.user !== user || this.textOf?.address !== address) {
      const inner = address === undefined ? '' : formatIpv4(address);
      this.text = `${this.id}\n${user ?? ''}\n${inner}\n${this.tunnel.peerName}`.toLowerCase();
      this.textOf = { user, address };
    }
    return this.text;
  }

  count(elapsedMs: number | undefined): void {
    const gre = this.tunnel.session.get(GRE_CHANNEL);
    const octetsIn = gre?.receivedOctets ?? 0;
    const octetsOut = gre?.sentOctets ?? 0;
    this.rateIn = elapsedMs === undefined ? 0 : Math.round(((octetsIn - this.octetsIn) * SECOND_MS) / elapsedMs);
    this.rateOut = elapsedMs === undefined ? 0 : Math.round(((octetsOut - this.octetsOut) * SECOND_MS) / elapsedMs);
    this.octetsIn = octetsIn;
    this.octetsOut = octetsOut;
  }
}

/** The key that the row of the session will have (`rowKey`), without the row. */
const keyOf = (look: Look, sort: SessionSort, now: Now): SortKey => {
  const { tunnel } = look;
  const { session } = tunnel;
  switch (sort) {
    case 'openedAt':
      return wallMs(now, tunnel.openedAt);
    case 'user':
      return session.identity?.toLowerCase() ?? null;
    case 'peer':
      return peerKey(tunnel.peerName);
    case 'address':
      return session.address ?? null;
    case 'state':
      return tunnel.upAt === undefined ? 'setup' : 'up';
    case 'seconds':
      return sessionSeconds(now, tunnel.openedAt);
    case 'octetsIn':
      return session.get(GRE_CHANNEL)?.receivedOctets ?? 0;
    case 'octetsOut':
      return session.get(GRE_CHANNEL)?.sentOctets ?? 0;
    case 'rateIn':
      return look.rateIn;
    case 'rateOut':
      return look.rateOut;
    case 'dropped':
      return dropsOf(tunnel);
  }
};

type Test = (look: Look) => boolean;

/** All of what is asked for must hold. */
const testOf = ({ state, user, address, peer, search, worker }: SessionsQuery): Test => {
  const tests: Test[] = [];
  if (state !== undefined) tests.push(({ tunnel }) => (tunnel.upAt === undefined) === (state === 'setup'));
  if (user !== undefined) tests.push(({ tunnel }) => isUser(user, tunnel.session.identity));
  if (address !== undefined) {
    const wanted = parseIpv4(address);
    tests.push(({ tunnel }) => wanted !== undefined && tunnel.session.address === wanted);
  }
  if (peer !== undefined) {
    const wanted = parseIpv4(peer);
    tests.push(({ tunnel }) => tunnel.session.call.peer === wanted);
  }
  // The only process is the first one.
  if (worker !== undefined && worker !== 0) tests.push(() => false);
  if (search !== undefined && search !== '') {
    const wanted = search.toLowerCase();
    tests.push((look) => look.words.includes(wanted));
  }
  return (look) => tests.every((test) => test(look));
};

/** Looks at the sessions of this process, and keeps of each what rates need. Nothing is done when nobody looks. */
export class SessionLooks {
  private readonly kept = new Map<SessionView, Look>();
  private readonly all: () => Iterable<LiveTunnel>;
  private lookedAt: Instant | undefined;

  constructor(all: () => Iterable<LiveTunnel>) {
    this.all = all;
  }

  /** The session is over. */
  forget(session: SessionView): void {
    this.kept.delete(session);
  }

  /** Gives up what is kept, if nobody has looked for so long that no rate can be made of it. */
  rest(now: Instant): void {
    if (this.lookedAt !== undefined && now - this.lookedAt > MOST_MS) this.kept.clear();
  }

  pages(queries: readonly SessionsQuery[], now: Now): readonly SessionsPage[] {
    const looks = this.look(now.at);
    return queries.map((query) => {
      const { order, offset, limit } = pageWish(query);
      const fits = testOf(query);
      const found = looks.filter(fits);
      for (const look of found) look.key = keyOf(look, order.sort, now);
      const chosen = firstOf(found, offset + limit, compareKeyed(order)).slice(offset);
      return {
        total: found.length,
        offset,
        limit,
        sessions: chosen.map((look) => sessionRow(look.tunnel, look, now)),
      };
    });
  }

  /** Of one session, as they were last looked at. */
  rates({ session }: LiveTunnel): Rates {
    return this.kept.get(session) ?? NO_RATES;
  }

  private look(now: Instant): Look[] {
    const passed = this.lookedAt === undefined ? undefined : now - this.lookedAt;
    const counts = passed === undefined || passed >= LEAST_MS;
    const elapsed = passed !== undefined && passed <= MOST_MS ? passed : undefined;
    if (counts) this.lookedAt = now;
    const looks: Look[] = [];
    for (const tunnel of this.all()) {
      let look = this.kept.get(tunnel.session);
      if (look === undefined) {
        look = new Look(tunnel);
        look.count(undefined);
        this.kept.set(tunnel.session, look);
      } else if (counts) look.count(elapsed);
      looks.push(look);
    }
    return looks;
  }
}
