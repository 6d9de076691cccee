import type { RefObject } from 'preact';
import { SESSION_STATES, type SessionState } from '../../../gateway/admin/api/sessions.ts';

const NAMES: Readonly<Record<SessionState, string>> = { setup: 'Setting up', up: 'Up' };

export const SessionFilter = (props: {
  readonly box: RefObject<HTMLInputElement | null>;
  readonly search: string;
  readonly state: SessionState | undefined;
  readonly onSearch: (text: string) => void;
  readonly onState: (state: SessionState | undefined) => void;
}) => (
  <search class="row">
    <input
      ref={props.box}
      class="input search"
      type="search"
      aria-label="Search by user, address, peer or id"
      placeholder="User, address, peer or id  ( / )"
      value={props.search}
      maxLength={128}
      autocomplete="off"
      spellcheck={false}
      onInput={(event) => props.onSearch(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' && event.key !== 'Enter') return;
        if (event.key === 'Escape') props.onSearch('');
        event.preventDefault();
        event.currentTarget.blur();
      }}
    />
    <fieldset class="choice">
      <legend class="unseen">State</legend>
      {[undefined, ...SESSION_STATES].map((state) => (
        <button
          key={state ?? 'all'}
          type="button"
          class="button"
          aria-pressed={props.state === state}
          onClick={() => props.onState(state)}
        >
          {state === undefined ? 'All' : NAMES[state]}
        </button>
      ))}
    </fieldset>
  </search>
);
