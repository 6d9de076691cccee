import type { Funnel } from '../../../gateway/admin/api/stats.ts';
import { count, percent } from '../../model/format.ts';
import { type FunnelStep, funnelSteps } from '../../model/funnel.ts';
import { Card } from '../../ui/card.tsx';
import { phaseName } from '../../words/phases.ts';

const Reasons = (props: { readonly step: FunnelStep }) => {
  const [first] = props.step.reasons;
  return (
    <details class="funnel-reasons">
      <summary>
        {count(props.step.failed)} failed{first === undefined ? '' : `, most ${first[0]}`}
      </summary>
      <ul>
        {props.step.reasons.map(([reason, times]) => (
          <li key={reason}>
            <span class="mono">{reason}</span> <span class="number">{count(times)}</span>
          </li>
        ))}
      </ul>
    </details>
  );
};

/** How far set-ups get, and where they end. */
export const FunnelCard = (props: { readonly funnel: Funnel }) => {
  const steps = funnelSteps(props.funnel);
  return (
    <Card title="Set-up, since the start" class="side">
      {steps.length === 0 && <p class="empty">No call yet.</p>}
      <ol class="funnel">
        {steps.map((step) => (
          <li key={step.phase} class="funnel-step">
            <div class="funnel-name">{phaseName(step.phase)}</div>
            <div class="funnel-track" aria-hidden="true">
              <div class="funnel-bar" style={{ width: `${step.share * 100}%` }}>
                {step.failed > 0 && step.share > 0 && (
                  <div class="funnel-failed" style={{ width: `${(step.failedShare / step.share) * 100}%` }} />
                )}
              </div>
            </div>
            <div class="funnel-count number">
              {count(step.reached)} <span class="muted">{percent(step.share)}</span>
            </div>
            {step.failed > 0 && <Reasons step={step} />}
          </li>
        ))}
      </ol>
    </Card>
  );
};
