import type { SessionDetail } from '../../../gateway/admin/api/sessions.ts';
import { bits, count, dateTime, duration, NOTHING, octets, span } from '../../model/format.ts';
import { Card } from '../../ui/card.tsx';

const limit = (value: number | null | undefined, text: (value: number) => string): string =>
  value === null || value === undefined ? 'no limit' : text(value);

const setUpTime = ({ openedAt, upAt }: SessionDetail): string =>
  upAt === null ? 'goes on' : span((Date.parse(upAt) - Date.parse(openedAt)) / 1000);

type Fact = readonly [name: string, value: string];

const factsOf = (session: SessionDetail): readonly Fact[] => {
  const { profile } = session;
  return [
    ['State', session.state === 'up' ? 'up' : 'setting up'],
    ['Peer', session.peer],
    ['Our address', session.local],
    ['Inner address', session.address ?? NOTHING],
    ...(session.ipv6 === null ? [] : [['Inner IPv6', session.ipv6] satisfies Fact]),
    ['Authentication', session.method ?? NOTHING],
    ['Encryption', session.encryption],
    ['Since', `${dateTime(session.openedAt)} (${duration(session.seconds)})`],
    ['Set-up took', setUpTime(session)],
    ['In', `${octets(session.octetsIn)}, ${count(session.packetsIn)} packets`],
    ['Out', `${octets(session.octetsOut)}, ${count(session.packetsOut)} packets`],
    ['Lost on the way in', count(session.lost)],
    ['Silent for', session.silentSeconds === null ? NOTHING : duration(session.silentSeconds)],
    ['Rate from the client', limit(profile?.rateUp, bits)],
    ['Rate to the client', limit(profile?.rateDown, bits)],
    ['Ends when idle for', limit(profile?.idleSeconds, duration)],
    ['Ends after', limit(profile?.sessionSeconds, duration)],
    ['Quota', limit(profile?.quotaOctets, octets)],
    ['Filter', profile?.filter ?? NOTHING],
    ...(profile === null || profile.routes.length === 0
      ? []
      : [['Networks behind it', profile.routes.join(', ')] satisfies Fact]),
    ['Call IDs', `${session.callId}, peer ${session.peerCallId}`],
    ['Session', session.id],
    ...(session.worker === undefined ? [] : [['Worker', String(session.worker)] satisfies Fact]),
    ...Object.entries(session.attributes).map(([name, value]): Fact => [`Peer says: ${name}`, value]),
  ];
};

export const Facts = (props: { readonly session: SessionDetail }) => (
  <Card title="Facts" class="side">
    <dl class="facts">
      {factsOf(props.session).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  </Card>
);
