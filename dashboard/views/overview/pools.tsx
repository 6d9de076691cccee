import type { PoolUse } from '../../../gateway/admin/api/stats.ts';
import { count, percent } from '../../model/format.ts';
import { Card } from '../../ui/card.tsx';
import { Meter } from '../../ui/meter.tsx';

export const PoolsCard = (props: { readonly pools: readonly PoolUse[] }) => (
  <Card title="Address pools">
    {props.pools.length === 0 && <p class="empty">None.</p>}
    <ul class="lines">
      {props.pools.map(({ pool, range, used, size }) => (
        <li key={`${pool} ${range}`} class="line">
          <span>
            <strong>{pool}</strong> <span class="muted mono">{range}</span>
          </span>
          <Meter label={`${pool} in use`} part={size === 0 ? 0 : used / size} />
          <span class="number">
            {count(used)} of {count(size)} <span class="muted">{percent(size === 0 ? 0 : used / size)}</span>
          </span>
        </li>
      ))}
    </ul>
  </Card>
);
