import { useState } from 'preact/hooks';
import type { StageFlow, Stats } from '../../../gateway/admin/api/stats.ts';
import { count } from '../../model/format.ts';
import { dropsOf, worst } from '../../model/pipeline.ts';
import { formatRoute } from '../../model/route.ts';
import { Card } from '../../ui/card.tsx';
import { dropReasonText } from '../../words/drop-reasons.ts';
import { stageText } from '../../words/stages.ts';
import { PipelineDrawing } from './pipeline-drawing.tsx';

const MOST = 5;

const ReasonLink = (props: { readonly reason: string }) => (
  <a href={formatRoute({ view: 'reasons', reason: props.reason })} title={dropReasonText(props.reason)}>
    {props.reason}
  </a>
);

const StageReasons = (props: { readonly stats: Stats; readonly stage: StageFlow }) => {
  const { stage } = props.stage;
  const drops = dropsOf(props.stats.drops, stage);
  const text = stageText(stage);
  return (
    <div class="stage-detail">
      <h3>
        <span class="mono">{stage}</span> {text !== undefined && <span class="muted">{text}</span>}
      </h3>
      <p>
        Passed {count(props.stage.passedIn)} in and {count(props.stage.passedOut)} out.{' '}
        {drops.length === 0 && 'Nothing was dropped here.'}
      </p>
      <ul class="lines">
        {drops.map(({ direction, reason, count: times }) => (
          <li key={`${direction} ${reason}`} class="line">
            <span>
              <ReasonLink reason={reason} /> <span class="muted">{direction}</span>
            </span>
            <span class="muted grow">{dropReasonText(reason)}</span>
            <span class="number">{count(times)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
};

const Worst = (props: { readonly stats: Stats }) => {
  const drops = worst(props.stats.drops, MOST);
  if (drops.length === 0) return <p class="muted">No packet was dropped since the start.</p>;
  return (
    <p class="muted">
      Most dropped:{' '}
      {drops.map(({ stage, direction, reason, count: times }, index) => (
        <span key={`${stage} ${direction} ${reason}`}>
          {index > 0 && ', '}
          {count(times)} <ReasonLink reason={reason} /> in {stage} ({direction})
        </span>
      ))}
      . Choose a stage to see its reasons.
    </p>
  );
};

/** The way of packets through the gateway, and where they are lost. */
export const DropsCard = (props: { readonly stats: Stats; readonly before: Stats | undefined }) => {
  const { stats, before } = props;
  const [chosen, setChosen] = useState<string>();
  const stage = stats.stages.find((one) => one.stage === chosen);
  return (
    <Card
      title="Pipeline"
      aside={
        <span class="legend">
          <span class="key in">in: from peers</span>
          <span class="key out">out: to peers</span>
          <span class="key hot">drops now</span>
        </span>
      }
    >
      <PipelineDrawing
        stages={stats.stages}
        before={before?.stages}
        chosen={chosen}
        onChoose={(name) => setChosen(name === chosen ? undefined : name)}
      />
      {stage === undefined ? <Worst stats={stats} /> : <StageReasons stats={stats} stage={stage} />}
    </Card>
  );
};
