import { percent } from '../model/format.ts';

/** How full something is; from nine tenths on it is drawn as a warning. */
export const Meter = (props: { readonly label: string; readonly part: number }) => {
  const part = Number.isFinite(props.part) ? Math.min(1, Math.max(0, props.part)) : 0;
  const level = part >= 0.9 ? 'high' : part >= 0.7 ? 'middle' : 'low';
  return (
    <span class={`meter ${level}`} role="img" aria-label={`${props.label}: ${percent(part)}`}>
      <span class="meter-fill" style={{ width: `${part * 100}%` }} />
    </span>
  );
};
