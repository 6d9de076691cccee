import type { ComponentChildren } from 'preact';
import { Dialog } from './dialog.tsx';
import { Notice } from './notice.tsx';

/** Asks before something that cannot be taken back. */
export const Confirm = (props: {
  readonly title: string;
  readonly verb: string;
  readonly isBusy: boolean;
  /** Why it was not done. */
  readonly problem: string | undefined;
  readonly onYes: () => void;
  readonly onNo: () => void;
  readonly children: ComponentChildren;
}) => (
  <Dialog title={props.title} onClose={props.onNo}>
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        props.onYes();
      }}
    >
      {props.children}
      {props.problem !== undefined && <Notice kind="bad">{props.problem}</Notice>}
      <div class="row end">
        <button type="button" class="button" onClick={props.onNo}>
          Cancel
        </button>
        <button type="submit" class="button danger" disabled={props.isBusy}>
          {props.isBusy ? 'One moment…' : props.verb}
        </button>
      </div>
    </form>
  </Dialog>
);
