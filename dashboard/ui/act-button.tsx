import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

/** A button for what a token may or may not do. Where it may not the button stays, can be focused, and says why. */
export const ActButton = (props: {
  readonly why: string | undefined;
  readonly onAct: () => void;
  readonly class?: string;
  readonly label?: string;
  readonly children: ComponentChildren;
}) => {
  const id = useId();
  const { why } = props;
  return (
    <span class="act">
      <button
        type="button"
        class={props.class ?? 'button'}
        aria-disabled={why !== undefined}
        aria-label={props.label}
        aria-describedby={why === undefined ? undefined : id}
        title={why}
        onClick={() => {
          if (why === undefined) props.onAct();
        }}
      >
        {props.children}
      </button>
      {why !== undefined && (
        <span id={id} class="unseen">
          {why}
        </span>
      )}
    </span>
  );
};
