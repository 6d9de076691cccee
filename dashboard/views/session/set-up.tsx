import type { SessionDetail, TimelineEntry } from '../../../gateway/admin/api/sessions.ts';
import { span } from '../../model/format.ts';
import { type Bar, latest, waterfall } from '../../model/waterfall.ts';
import { Card } from '../../ui/card.tsx';
import { phaseName } from '../../words/phases.ts';

const MOST_LINES = 200;
/** More are shown when they are asked for. */
const FEW_LINES = 40;

const words = ({ seconds, error }: Bar): string => {
  if (error !== null) return error;
  return seconds === null ? 'goes on' : span(seconds);
};

const BarLine = (props: { readonly bar: Bar }) => {
  const { bar } = props;
  const kind = bar.error !== null ? 'failed' : bar.seconds === null ? 'open' : 'done';
  return (
    <li class="wf-line" title={bar.detail ?? undefined}>
      <span class="wf-name">{phaseName(bar.name)}</span>
      <span class="wf-track" aria-hidden="true">
        <span class={`wf-bar ${kind}`} style={{ left: `${bar.left * 100}%`, width: `${bar.width * 100}%` }} />
      </span>
      <span class={`wf-time number ${kind}`}>{words(bar)}</span>
    </li>
  );
};

const Timeline = (props: { readonly lines: readonly TimelineEntry[]; readonly all: number }) => (
  <details class="timeline" open={props.lines.length <= FEW_LINES}>
    <summary>Timeline ({props.all})</summary>
    <ol>
      {props.lines.map((line, index) => (
        <li key={`${line.seconds} ${index}`}>
          <span class="number">{span(line.seconds)}</span>
          <span class="mono">{line.event}</span>
          <span>{line.message}</span>
        </li>
      ))}
    </ol>
  </details>
);

/** How the tunnel came up: its phases on one scale, and each thing that was said. */
export const SetUp = (props: { readonly session: SessionDetail }) => {
  const { phases, timeline, seconds } = props.session;
  const drawing = waterfall(phases, seconds);
  const lines = latest(timeline, MOST_LINES);
  return (
    <Card
      title="Set-up"
      aside={<span class="muted small">{phases.length > 0 && `${span(drawing.seconds)} in all`}</span>}
    >
      {phases.length === 0 && <p class="empty">Nothing is known of its phases.</p>}
      <ol class="waterfall">
        {drawing.bars.map((bar) => (
          <BarLine key={`${bar.name} ${bar.start}`} bar={bar} />
        ))}
        {drawing.ticks.length > 0 && (
          <li class="wf-line wf-scale" aria-hidden="true">
            <span class="wf-name" />
            <span class="wf-track">
              {drawing.ticks.map((tick) => (
                <span key={tick} class="wf-tick" style={{ left: `${(tick / drawing.seconds) * 100}%` }}>
                  {tick === 0 ? '0' : span(tick)}
                </span>
              ))}
            </span>
            <span class="wf-time" />
          </li>
        )}
      </ol>
      {lines.length === 0 && <p class="muted timeline">Nothing was noted besides its phases.</p>}
      {lines.length > 0 && <Timeline lines={lines} all={timeline.length} />}
    </Card>
  );
};
