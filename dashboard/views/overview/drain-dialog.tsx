import { useState } from 'preact/hooks';
import type { DrainRequest } from '../../../gateway/admin/api/life.ts';
import { count } from '../../model/format.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { Field } from '../../ui/field.tsx';

const DEFAULT_SECONDS = 300;
const DAY_SECONDS = 86_400;

export const DrainDialog = (props: {
  readonly sessions: number;
  readonly isBusy: boolean;
  readonly onYes: (order: DrainRequest) => void;
  readonly onNo: () => void;
}) => {
  const [text, setText] = useState(String(DEFAULT_SECONDS));
  const [stop, setStop] = useState(false);
  const seconds = /^\d{1,6}$/.test(text.trim()) ? Number(text) : undefined;
  const isRight = seconds !== undefined && seconds <= DAY_SECONDS;
  return (
    <Confirm
      title="Drain the gateway?"
      verb="Drain"
      isBusy={props.isBusy}
      onNo={props.onNo}
      onYes={() => {
        if (isRight) props.onYes({ seconds, stop });
      }}
    >
      <p>
        It refuses new calls from now on. {count(props.sessions)} {props.sessions === 1 ? 'call' : 'calls'} may go on
        until the deadline, and {props.sessions === 1 ? 'is' : 'are'} ended then.
      </p>
      <Field
        label="Deadline, in seconds from now"
        value={text}
        onValue={setText}
        error={isRight ? undefined : 'a whole number from 0 (end all at once) to 86400 (a day)'}
        hint="0 ends all at once"
      />
      <label class="check">
        <input type="checkbox" checked={stop} onChange={(event) => setStop(event.currentTarget.checked)} /> then stop
        the gateway
      </label>
    </Confirm>
  );
};
