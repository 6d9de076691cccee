import type { Stats } from '../../../gateway/admin/api/stats.ts';
import { compact, count } from '../../model/format.ts';
import { useDesk } from '../../state/desk.ts';
import type { Streamed } from '../../state/use-stream.ts';
import { Card } from '../../ui/card.tsx';
import { Failed } from '../../ui/failed.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Plot } from '../../ui/plot.tsx';
import { DropsCard } from './drops.tsx';
import { FunnelCard } from './funnel.tsx';
import { LifeCard } from './life.tsx';
import { PoolsCard } from './pools.tsx';
import { ProcessesCard } from './processes.tsx';

const Tile = (props: { readonly label: string; readonly value: string; readonly note?: string }) => (
  <div class="tile">
    <dt>{props.label}</dt>
    <dd>
      {props.value}
      {props.note !== undefined && <span class="tile-note">{props.note}</span>}
    </dd>
  </div>
);

const waitingFor = ({ state, error }: Streamed<Stats>): string => {
  if (state !== 'away') return 'Asking…';
  return error === undefined ? 'The gateway does not answer. Trying again…' : 'Trying again…';
};

export const Overview = () => {
  const { stats, before, traffic, isDark } = useDesk();
  const now = stats.value;
  if (now === undefined) {
    return (
      <>
        <h1 class="unseen">Overview</h1>
        <Failed error={stats.error} />
        <p class="empty">{waitingFor(stats)}</p>
      </>
    );
  }
  const { up, setup, waiting } = now.tunnels;
  const missing = now.missing ?? [];
  return (
    <div class={stats.state === 'live' ? 'stack' : 'stack stale'}>
      <h1 class="unseen">Overview</h1>
      <Failed error={stats.error} />
      {missing.length > 0 && (
        <Notice kind="info">No answer from worker {missing.join(', ')}: the numbers are without it.</Notice>
      )}
      <dl class="tiles">
        <Tile label="Tunnels up" value={count(up)} />
        <Tile
          label="Setting up"
          value={count(setup)}
          {...(waiting > 0 ? { note: `${count(waiting)} more wait` } : {})}
        />
        <Tile label="Control connections" value={count(now.controlConnections)} />
        <Tile label="Packets in" value={`${compact(now.traffic.packetRateIn)}/s`} />
        <Tile label="Packets out" value={`${compact(now.traffic.packetRateOut)}/s`} />
        <LifeCard />
      </dl>
      <div class="columns">
        <Card title="Traffic" class="grow">
          <Plot series={traffic} isDark={isDark} label="Traffic in and out over the last minutes" />
        </Card>
        <FunnelCard funnel={now.funnel} />
      </div>
      <DropsCard stats={now} before={before} />
      <div class="columns even">
        <PoolsCard pools={now.pools} />
        <ProcessesCard processes={now.processes} />
      </div>
    </div>
  );
};
