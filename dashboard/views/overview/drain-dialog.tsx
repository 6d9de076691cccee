import { useState } from 'preact/hooks';
import type { DrainRequest } from '../../../gateway/admin/api/life.ts';
import { count } from '../../model/format.ts';
import { useDesk } from '../../state/desk.ts';
import { useAct } from '../../state/use-act.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { Field } from '../../ui/field.tsx';

const DEFAULT_SECONDS = 300;
const DAY_SECONDS = 86_400;

export const DrainDialog = (props: { readonly sessions: number; readonly onClose: () => void }) => {
  const { client } = useDesk();
  const { isBusy, problem, act } = useAct('dialog');
  const [text, setText] = useState(String(DEFAULT_SECONDS));
  const [stop, setStop] = useState(false);
  const seconds = /^\d{1,6}$/.test(text.trim()) ? Number(text) : undefined;
  const isRight = seconds !== undefined && seconds <= DAY_SECONDS;
  const drain = async (order: DrainRequest): Promise<void> => {
    if (await act(() => client.ask('POST', '/v1/drain', order), 'The gateway drains.')) props.onClose();
  };
  return (
    <Confirm
      title="Drain the gateway?"
      verb="Drain"
      isBusy={isBusy}
      problem={problem}
      onNo={props.onClose}
      onYes={() => {
        if (isRight) void drain({ seconds, stop });
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
