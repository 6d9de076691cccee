import { useState } from 'preact/hooks';
import type { Disconnected, SessionRow } from '../../gateway/admin/api/sessions.ts';
import { useDesk } from '../state/desk.ts';
import { useAct } from '../state/use-act.ts';
import { Confirm } from '../ui/confirm.tsx';
import { Field } from '../ui/field.tsx';

/** The gateway answers when the session is over, and ends a link in order where the peer does not answer any more. */
const END_MS = 70_000;

export type Kicked = Pick<SessionRow, 'id' | 'user' | 'peer'>;

/** Ends one session, for a reason that goes to the log and the audit. */
export const KickDialog = (props: { readonly session: Kicked; readonly onClose: (isDone: boolean) => void }) => {
  const { client } = useDesk();
  const { isBusy, problem, act } = useAct('dialog');
  const [reason, setReason] = useState('');
  const { id, user, peer } = props.session;
  const who = user ?? peer;
  const kick = async (): Promise<void> => {
    const text = reason.trim();
    const order = { id, ...(text === '' ? {} : { reason: text }) };
    const end = async (): Promise<void> => {
      const { disconnected, missing } = await client.ask<Disconnected>(
        'POST',
        '/v1/sessions/disconnect',
        order,
        END_MS,
      );
      if (disconnected.length > 0) return;
      throw new Error(
        missing === undefined
          ? 'The session was over already.'
          : `Worker ${missing.join(', ')} did not answer: look whether the session is still there, and try again.`,
      );
    };
    const isDone = await act(end, `${who} was disconnected.`);
    if (isDone) props.onClose(true);
  };
  return (
    <Confirm
      title={`Disconnect ${who}?`}
      verb="Disconnect"
      isBusy={isBusy}
      problem={problem}
      onYes={() => void kick()}
      onNo={() => props.onClose(false)}
    >
      <p>
        The tunnel from <span class="mono">{peer}</span> ends now. Nothing keeps the client from dialling again.
      </p>
      <Field
        label="Reason"
        value={reason}
        onValue={setReason}
        maxLength={200}
        hint="for the log and the audit; may stay empty"
      />
    </Confirm>
  );
};
