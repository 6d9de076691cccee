import { useEffect, useRef } from 'preact/hooks';
import { formatRoute } from '../model/route.ts';
import { DROP_REASON_TEXTS } from '../words/drop-reasons.ts';

/** Why packets are dropped: the table of docs/drop-reasons.md. */
export const Reasons = (props: { readonly reason: string | undefined }) => {
  const chosen = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    chosen.current?.scrollIntoView({ block: 'center' });
  }, [props.reason]);
  return (
    <div class="stack">
      <h1>Drop reasons</h1>
      <p class="muted">
        A packet that cannot go on is dropped by one stage, for one of these reasons, and counted once.{' '}
        <a href={formatRoute({ view: 'overview' })}>Back to the pipeline</a>
      </p>
      <div class="card scroll">
        <table class="table plain">
          <thead>
            <tr>
              <th scope="col">Reason</th>
              <th scope="col">What happened</th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(DROP_REASON_TEXTS).map(([reason, text]) => (
              <tr
                key={reason}
                ref={reason === props.reason ? chosen : null}
                class={reason === props.reason ? 'current' : ''}
              >
                <th scope="row" class="mono">
                  {reason}
                </th>
                <td class="wrap">{text}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
};
