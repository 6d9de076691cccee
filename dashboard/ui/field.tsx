import type { ComponentChildren, TargetedInputEvent } from 'preact';
import { useId } from 'preact/hooks';

/** A line of text with its label, and what is wrong with it. */
export const Field = (props: {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly hint?: ComponentChildren;
  readonly error?: string | undefined;
  readonly isSecret?: boolean;
  readonly placeholder?: string;
  readonly maxLength?: number;
  readonly disabled?: boolean;
}) => {
  const id = useId();
  const isWrong = props.error !== undefined;
  const line = {
    id,
    class: 'input',
    value: props.value,
    placeholder: props.placeholder ?? '',
    maxLength: props.maxLength ?? 512,
    disabled: props.disabled === true,
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: false,
    'aria-invalid': isWrong,
    'aria-describedby': `${id}-hint`,
    onInput: (event: TargetedInputEvent<HTMLInputElement>) => props.onValue(event.currentTarget.value),
  } as const;
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      {props.isSecret === true ? <input type="password" {...line} /> : <input type="text" {...line} />}
      <div id={`${id}-hint`} class={isWrong ? 'hint wrong' : 'hint'}>
        {props.error ?? props.hint}
      </div>
    </div>
  );
};
