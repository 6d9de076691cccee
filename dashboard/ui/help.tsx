import { Dialog } from './dialog.tsx';

const KEYS: readonly (readonly [string, string])[] = [
  ['?', 'this help'],
  ['1 … 5', 'overview, sessions, audit, locks, configuration'],
  ['t', 'theme: as the system, light, dark'],
  ['/', 'search in sessions'],
  ['↓ or j, ↑ or k', 'next or previous session'],
  ['Page down, Page up', 'next or previous page of sessions'],
  ['Home, End', 'first or last session'],
  ['Enter', 'open the session'],
  ['x', 'disconnect the session under the cursor'],
  ['Esc', 'close a dialog; leave the search; back to the list'],
];

export const Help = (props: { readonly onClose: () => void }) => (
  <Dialog title="Keys" onClose={props.onClose}>
    <dl class="keys">
      {KEYS.map(([key, what]) => (
        <div key={key}>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
    <div class="row end">
      <button type="button" class="button" onClick={props.onClose}>
        Close
      </button>
    </div>
  </Dialog>
);
