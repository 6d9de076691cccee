import { useEffect, useRef, useState } from 'preact/hooks';
import type { StageFlow } from '../../../gateway/admin/api/stats.ts';
import { compact, count } from '../../model/format.ts';
import { BOX, heat, type Joint, layOut, type StageBox, shortName, stageKey } from '../../model/pipeline.ts';

const WIDE_NAME = 15;
const LANE_IN = 44;
const LANE_OUT = 68;
const FIRST_WIDTH = 960;

/** Its own width, so that the drawing can have as many lines as it needs. */
const useWidth = () => {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(FIRST_WIDTH);
  useEffect(() => {
    const host = place.current;
    if (host === null) return undefined;
    const watch = new ResizeObserver(() => setWidth(Math.floor(host.clientWidth)));
    watch.observe(host);
    return () => watch.disconnect();
  }, []);
  return { place, width };
};

const Arrows = (props: { readonly joint: Joint }) => {
  const { from, to, turn } = props.joint;
  const left = from.x + BOX.width;
  if (!turn) {
    return (
      <g>
        <path class="lane in" d={`M${left} ${from.y + LANE_IN}H${to.x - 4}`} marker-end="url(#tip-in)" />
        <path class="lane out" d={`M${to.x} ${from.y + LANE_OUT}H${left + 4}`} marker-end="url(#tip-out)" />
      </g>
    );
  }
  const middle = from.y + BOX.height + BOX.gapY / 2;
  const start = from.x + BOX.width / 2;
  const end = to.x + BOX.width / 2;
  return (
    <g>
      <path
        class="lane in"
        d={`M${start - 6} ${from.y + BOX.height}V${middle - 3}H${end - 6}V${to.y - 4}`}
        marker-end="url(#tip-in)"
      />
      <path
        class="lane out"
        d={`M${end + 6} ${to.y}V${middle + 3}H${start + 6}V${from.y + BOX.height + 4}`}
        marker-end="url(#tip-out)"
      />
    </g>
  );
};

const Lane = (props: {
  readonly way: 'in' | 'out';
  readonly y: number;
  readonly passed: number;
  readonly dropped: number;
}) => (
  <g>
    <text class={`flow ${props.way}`} x={9} y={props.y}>
      {props.way === 'in' ? '→' : '←'} {compact(props.passed)}
    </text>
    {props.dropped > 0 && (
      <text class="dropped" x={BOX.width - 9} y={props.y} text-anchor="end">
        ✕ {compact(props.dropped)}
      </text>
    )}
  </g>
);

const words = ({ stage, passedIn, passedOut, droppedIn, droppedOut }: StageFlow): string =>
  `${stage}: passed ${count(passedIn)} in, ${count(passedOut)} out; dropped ${count(droppedIn)} in, ${count(droppedOut)} out`;

/** A name that would touch its box is drawn narrower. */
const nameFit = (stage: string) =>
  stage.length < WIDE_NAME ? {} : { textLength: BOX.width - 14, lengthAdjust: 'spacingAndGlyphs' };

const Stage = (props: {
  readonly box: StageBox;
  readonly before: StageFlow | undefined;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}) => {
  const { flow, x, y } = props.box;
  const kind = `${flow.slot === null ? 'device' : 'stage'} heat-${heat(flow, props.before)}`;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a button cannot be part of a drawing.
    <g
      class={`box ${kind}`}
      transform={`translate(${x} ${y})`}
      role="button"
      tabindex={0}
      aria-pressed={props.isChosen}
      aria-label={words(flow)}
      onClick={props.onChoose}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        props.onChoose();
      }}
    >
      <rect width={BOX.width} height={BOX.height} rx={flow.slot === null ? 16 : 6} />
      <title>{flow.stage}</title>
      <text class="box-name" x={BOX.width / 2} y={20} text-anchor="middle" {...nameFit(flow.stage)}>
        {shortName(flow.stage)}
      </text>
      <Lane way="in" y={LANE_IN + 4} passed={flow.passedIn} dropped={flow.droppedIn} />
      <Lane way="out" y={LANE_OUT + 4} passed={flow.passedOut} dropped={flow.droppedOut} />
    </g>
  );
};

const Tip = (props: { readonly way: 'in' | 'out' }) => (
  <marker
    id={`tip-${props.way}`}
    class={`tip ${props.way}`}
    markerWidth="6"
    markerHeight="6"
    refX="3"
    refY="3"
    orient="auto"
  >
    <path d="M0 0L6 3L0 6z" />
  </marker>
);

/** Both directions through all stages; peers are on the left, the intranet is on the right. */
export const PipelineDrawing = (props: {
  readonly stages: readonly StageFlow[];
  readonly before: readonly StageFlow[] | undefined;
  readonly chosen: string | undefined;
  readonly onChoose: (stage: string) => void;
}) => {
  const { place, width } = useWidth();
  const drawing = layOut(props.stages, width);
  const { width: wide, height: high } = drawing;
  return (
    <div ref={place} class="pipeline">
      {/* biome-ignore lint/a11y/useSemanticElements: a group of buttons in a drawing. */}
      <svg
        viewBox={`-2 -2 ${wide + 4} ${high + 4}`}
        width={wide + 4}
        height={high + 4}
        role="group"
        aria-label="Stages"
      >
        <defs>
          <Tip way="in" />
          <Tip way="out" />
        </defs>
        {drawing.joints.map((joint) => (
          <Arrows key={stageKey(joint.to.flow)} joint={joint} />
        ))}
        {drawing.boxes.map((box) => (
          <Stage
            key={stageKey(box.flow)}
            box={box}
            before={props.before?.find((flow) => stageKey(flow) === stageKey(box.flow))}
            isChosen={props.chosen === box.flow.stage}
            onChoose={() => props.onChoose(box.flow.stage)}
          />
        ))}
      </svg>
    </div>
  );
};
