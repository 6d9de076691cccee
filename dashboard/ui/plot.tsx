import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { bitRate, clockTime } from '../model/format.ts';
import type { Series } from '../model/history.ts';
import { plotOptions, sizeOf } from './plot-options.ts';

const lastOf = (series: Series): number => series.at.length - 1;

/** Traffic in and out over time. Colours come from the style sheet, so it is made anew with the theme. */
export const Plot = (props: { readonly series: Series; readonly label: string; readonly isDark: boolean }) => {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [looked, setLooked] = useState<number | null>(null);
  const { series, isDark } = props;
  const data = useRef(series);
  data.current = series;
  useEffect(() => {
    const host = place.current;
    if (host === null) return undefined;
    const { at, rateIn, rateOut } = data.current;
    const options = plotOptions({ host, onLook: setLooked });
    const made = new uPlot(options, [[...at], [...rateIn], [...rateOut]], host);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize(sizeOf(host)));
    watch.observe(host);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [isDark]);
  useEffect(() => {
    plot.current?.setData([[...series.at], [...series.rateIn], [...series.rateOut]]);
  }, [series]);
  const index = looked ?? lastOf(series);
  const rateIn = series.rateIn[index] ?? 0;
  const rateOut = series.rateOut[index] ?? 0;
  const at = series.at[index];
  return (
    <figure class="plot">
      <figcaption class="plot-legend">
        <span class="key in">in {bitRate(rateIn)}</span>
        <span class="key out">out {bitRate(rateOut)}</span>
        <span class="muted">{looked === null || at === undefined ? 'now' : clockTime(at * 1000)}</span>
      </figcaption>
      <div ref={place} class="plot-host" role="img" aria-label={props.label} />
    </figure>
  );
};
