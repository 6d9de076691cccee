import { useState } from 'preact/hooks';
import type { SessionChange, SessionDetail } from '../../../gateway/admin/api/sessions.ts';
import { bits } from '../../model/format.ts';
import { parseRate } from '../../model/rate-input.ts';
import { useDesk, useMay } from '../../state/desk.ts';
import { useAct } from '../../state/use-act.ts';
import { Card } from '../../ui/card.tsx';
import { Field } from '../../ui/field.tsx';

const WRONG = 'a rate like 512k, 10M or 1.5 Mbit/s, of at most 1000G';

const now = (rate: number | null | undefined): string =>
  rate === null || rate === undefined ? 'no limit now' : `now ${bits(rate)}`;

const problem = (text: string): string | undefined =>
  text.trim() === '' || parseRate(text) !== undefined ? undefined : WRONG;

/** Changes the rates of a session while it is up; an empty line stays as it is. */
export const RateForm = (props: { readonly session: SessionDetail; readonly onDone: () => void }) => {
  const { client } = useDesk();
  const { may, why } = useMay('operate');
  const { isBusy, act } = useAct();
  const [up, setUp] = useState('');
  const [down, setDown] = useState('');
  const { id, profile } = props.session;
  const change = async (wanted: SessionChange, done: string): Promise<void> => {
    const isDone = await act(() => client.ask('PATCH', `/v1/sessions/${encodeURIComponent(id)}`, wanted), done);
    if (!isDone) return;
    setUp('');
    setDown('');
    props.onDone();
  };
  const rateUp = parseRate(up);
  const rateDown = parseRate(down);
  const isEmpty = up.trim() === '' && down.trim() === '';
  const isWrong = problem(up) !== undefined || problem(down) !== undefined;
  const apply = (): void => {
    if (isEmpty || isWrong || !may) return;
    const wanted = { ...(rateUp === undefined ? {} : { rateUp }), ...(rateDown === undefined ? {} : { rateDown }) };
    void change(wanted, 'The rate was changed.');
  };
  return (
    <Card title="Rates">
      {why !== undefined && <p class="muted">{why}</p>}
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          apply();
        }}
      >
        <div class="columns even">
          <Field
            label="From the client"
            value={up}
            onValue={setUp}
            error={problem(up)}
            hint={now(profile?.rateUp)}
            placeholder="10M"
            disabled={!may}
          />
          <Field
            label="To the client"
            value={down}
            onValue={setDown}
            error={problem(down)}
            hint={now(profile?.rateDown)}
            placeholder="10M"
            disabled={!may}
          />
        </div>
        <div class="row end">
          <button
            type="button"
            class="button"
            disabled={!may || isBusy}
            onClick={() => void change({ rateUp: null, rateDown: null }, 'The rates are as configured.')}
          >
            As configured
          </button>
          <button type="submit" class="button primary" disabled={!may || isBusy || isEmpty || isWrong}>
            Change
          </button>
        </div>
      </form>
    </Card>
  );
};
