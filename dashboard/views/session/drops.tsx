import { count } from '../../model/format.ts';
import { formatRoute } from '../../model/route.ts';
import { Card } from '../../ui/card.tsx';
import { dropReasonText } from '../../words/drop-reasons.ts';

/** What this tunnel lost, by "stage direction reason". */
export const SessionDrops = (props: { readonly drops: Readonly<Record<string, number>> }) => {
  const drops = Object.entries(props.drops).toSorted((a, b) => b[1] - a[1]);
  return (
    <Card title="Drops of this tunnel">
      {drops.length === 0 && <p class="empty">None.</p>}
      <ul class="lines">
        {drops.map(([key, times]) => {
          const [stage = '', direction = '', reason = ''] = key.split(' ');
          return (
            <li key={key} class="line">
              <span>
                <a href={formatRoute({ view: 'reasons', reason })} title={dropReasonText(reason)}>
                  {reason}
                </a>{' '}
                <span class="muted">
                  in {stage} ({direction})
                </span>
              </span>
              <span class="number">{count(times)}</span>
            </li>
          );
        })}
      </ul>
    </Card>
  );
};
