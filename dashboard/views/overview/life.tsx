import { useState } from 'preact/hooks';
import type { LifeView } from '../../../gateway/admin/api/life.ts';
import { clockTime, duration } from '../../model/format.ts';
import { useDesk, useMay } from '../../state/desk.ts';
import { useAct } from '../../state/use-act.ts';
import { useAsked } from '../../state/use-asked.ts';
import { ActButton } from '../../ui/act-button.tsx';
import { LIFE_TEXTS } from '../../words/phases.ts';
import { DrainDialog } from './drain-dialog.tsx';

const LOOK_MS = 2000;

const until = ({ deadline, thenStop }: LifeView): string | undefined => {
  if (deadline === null) return undefined;
  const seconds = (Date.parse(deadline) - Date.now()) / 1000;
  return `${thenStop ? 'ends' : 'tunnels end'} at ${clockTime(deadline)}, in ${duration(seconds)}`;
};

/** Where the gateway is in its life, and how to drain it. */
export const LifeCard = () => {
  const { client } = useDesk();
  const { may, why } = useMay('operate');
  const { act } = useAct();
  const [isAsking, setAsking] = useState(false);
  const life = useAsked<LifeView>(client, '/v1/life', LOOK_MS);
  const view = life.value;
  const resume = async (): Promise<void> => {
    await act(() => client.ask('DELETE', '/v1/drain'), 'The gateway takes calls again.');
    life.again();
  };
  if (view === undefined) {
    return (
      <div class="tile">
        <dt>Life</dt>
        <dd>–</dd>
      </div>
    );
  }
  const note = until(view);
  return (
    <div class="tile life">
      <dt>Life</dt>
      <dd>
        <span class={`phase ${view.phase}`}>{view.phase}</span>
        <span class="tile-note">{note ?? LIFE_TEXTS[view.phase] ?? ''}</span>
        {view.phase === 'ready' && (
          <ActButton class="button small" why={why} onAct={() => setAsking(true)}>
            Drain…
          </ActButton>
        )}
        {view.phase === 'draining' && (
          <ActButton class="button small" why={why} onAct={() => void resume()}>
            Take calls again
          </ActButton>
        )}
        {isAsking && may && (
          <DrainDialog
            sessions={view.sessions}
            onClose={() => {
              setAsking(false);
              life.again();
            }}
          />
        )}
      </dd>
    </div>
  );
};
