import type uPlot from 'uplot';
import { bitRate, clockTime } from '../model/format.ts';

/** A quiet line is not to look like a storm: the scale reaches at least so far, in octets a second. */
const LEAST_TOP = 1250;
const HEADROOM = 1.1;
/** Nor are two seconds to fill the width. */
const LEAST_SECONDS = 60;

export const sizeOf = (host: HTMLElement): { readonly width: number; readonly height: number } => ({
  width: Math.max(1, host.clientWidth),
  height: Math.max(1, host.clientHeight),
});

/** Options of uPlot with the colours of the page. `onLook`: the point under the pointer, or none. */
export const plotOptions = (wanted: {
  readonly host: HTMLElement;
  readonly onLook: (index: number | null) => void;
}): uPlot.Options => {
  const { host, onLook } = wanted;
  const style = getComputedStyle(host);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  const font = `11px ${style.fontFamily}`;
  const axis = { stroke: color('--muted'), font, grid: { stroke: color('--grid'), width: 1 }, ticks: { show: false } };
  return {
    ...sizeOf(host),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    padding: [8, 8, 0, 0],
    scales: {
      x: { time: true, range: (_plot, min, max) => [Math.min(min ?? 0, (max ?? 0) - LEAST_SECONDS), max ?? 0] },
      y: { range: (_plot, _min, max) => [0, Math.max(LEAST_TOP, (max ?? 0) * HEADROOM)] },
    },
    axes: [
      { ...axis, space: 90, values: (_plot, splits) => splits.map((at) => clockTime(at * 1000)) },
      { ...axis, size: 78, values: (_plot, splits) => splits.map((rate) => (rate === 0 ? '0' : bitRate(rate))) },
    ],
    series: [
      {},
      { stroke: color('--in'), fill: color('--in-fill'), width: 1.5, points: { show: false } },
      { stroke: color('--out'), width: 1.5, dash: [5, 3], points: { show: false } },
    ],
    hooks: { setCursor: [(plot) => onLook(plot.cursor.idx ?? null)] },
  };
};
