import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

/** A modal dialog of the browser: it keeps the focus, gives it back, and ends with Escape. */
export const Dialog = (props: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly wide?: boolean;
}) => {
  const ref = useRef<HTMLDialogElement>(null);
  const title = useId();
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  const cancelled = (event: Event): void => {
    event.preventDefault();
    props.onClose();
  };
  return (
    <dialog
      ref={ref}
      class={props.wide === true ? 'dialog wide' : 'dialog'}
      aria-labelledby={title}
      onCancel={cancelled}
    >
      <h2 id={title}>{props.title}</h2>
      {props.children}
    </dialog>
  );
};
