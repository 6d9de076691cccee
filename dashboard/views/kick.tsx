import { useState } from 'preact/hooks';
import type { SessionRow } from '../../gateway/admin/api/sessions.ts';
import { useDesk } from '../state/desk.ts';
import { useAct } from '../state/use-act.ts';
import { Confirm } from '../ui/confirm.tsx';
import { Field } from '../ui/field.tsx';

export type Kicked = Pick<SessionRow, 'id' | 'user' | 'peer'>;

/** Ends one session, for a reason that goes to the log and the audit. */
export const KickDialog = (props: { readonly session: Kicked; readonly onClose: (isDone: boolean) => void }) => {
  const { client } = useDesk();
  const { isBusy, act } = useAct();
  const [reason, setReason] = useState('');
  const { id, user, peer } = props.session;
  const who = user ?? peer;
  const kick = async (): Promise<void> => {
    const text = reason.trim();
    const order = { id, ...(text === '' ? {} : { reason: text }) };
    const isDone = await act(() => client.ask('POST', '/v1/sessions/disconnect', order), `${who} was disconnected.`);
    if (isDone) props.onClose(true);
  };
  return (
    <Confirm
      title={`Disconnect ${who}?`}
      verb="Disconnect"
      isBusy={isBusy}
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
