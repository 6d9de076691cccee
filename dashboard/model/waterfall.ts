import type { SessionPhase, TimelineEntry } from '../../gateway/admin/api/sessions.ts';

export interface Bar {
  readonly name: string;
  /** Of the whole width, 0 to 1. */
  readonly left: number;
  readonly width: number;
  readonly start: number;
  /** Null: it goes on. */
  readonly seconds: number | null;
  readonly error: string | null;
  readonly detail: string | null;
}

export interface Waterfall {
  readonly bars: readonly Bar[];
  /** Seconds that the whole width stands for. */
  readonly seconds: number;
  /** Seconds with a line across the drawing. */
  readonly ticks: readonly number[];
}

/** So that a phase of microseconds is seen. */
const LEAST_WIDTH = 0.004;
const TICKS = 4;

/** 1, 2 or 5 times a power of ten, so that about `TICKS` of them fit. */
const niceStep = (seconds: number): number => {
  const rough = seconds / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((one) => one * power >= rough) ?? 10;
  return factor * power;
};

/** Bars of the phases on one scale; a phase that goes on ends at `now`. */
export const waterfall = (phases: readonly SessionPhase[], now: number): Waterfall => {
  const end = (phase: SessionPhase): number => phase.start + (phase.seconds ?? Math.max(0, now - phase.start));
  const seconds = Math.max(0.000_001, ...phases.map(end));
  const bars = phases.map((phase) => {
    const left = Math.min(1 - LEAST_WIDTH, phase.start / seconds);
    const width = Math.min(1 - left, Math.max(LEAST_WIDTH, (end(phase) - phase.start) / seconds));
    const { name, start, error, detail } = phase;
    return { name, left, width, start, seconds: phase.seconds, error, detail };
  });
  const step = niceStep(seconds);
  const ticks = phases.length === 0 ? [] : Array.from({ length: Math.floor(seconds / step) + 1 }, (_, n) => n * step);
  return { bars, seconds, ticks };
};

/** What is worth a line to people: the newest last, at most so many. */
export const latest = (timeline: readonly TimelineEntry[], most: number): readonly TimelineEntry[] =>
  timeline.length <= most ? timeline : timeline.slice(timeline.length - most);
