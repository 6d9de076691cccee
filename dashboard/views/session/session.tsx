import { useEffect, useState } from 'preact/hooks';
import type { SessionDetail } from '../../../gateway/admin/api/sessions.ts';
import { Refused } from '../../api/client.ts';
import { append, EMPTY, type Series } from '../../model/history.ts';
import { formatRoute } from '../../model/route.ts';
import { traceLink } from '../../model/trace-link.ts';
import { useDesk, useMay } from '../../state/desk.ts';
import { useAsked } from '../../state/use-asked.ts';
import { useKeys } from '../../state/use-keys.ts';
import { goTo } from '../../state/use-route.ts';
import { ActButton } from '../../ui/act-button.tsx';
import { Card } from '../../ui/card.tsx';
import { Failed } from '../../ui/failed.tsx';
import { Fresh } from '../../ui/fresh.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Plot } from '../../ui/plot.tsx';
import { KickDialog } from '../kick.tsx';
import { SessionDrops } from './drops.tsx';
import { Facts } from './facts.tsx';
import { RateForm } from './rate-form.tsx';
import { SetUp } from './set-up.tsx';

const LOOK_MS = 1000;

const useRates = (session: SessionDetail | undefined, at: number | undefined): Series => {
  const [series, setSeries] = useState<Series>(EMPTY);
  useEffect(() => {
    if (session === undefined || at === undefined) return;
    setSeries((now) => append(now, { at, rateIn: session.rateIn, rateOut: session.rateOut }));
  }, [session, at]);
  return series;
};

/** One tunnel: what it is, what it does, how it was set up, and what can be done to it. */
export const SessionView = (props: { readonly id: string }) => {
  const { client, info, isDark } = useDesk();
  const { may, why } = useMay('operate');
  const [isKicking, setKicking] = useState(false);
  const { value, at, error, again } = useAsked<SessionDetail>(
    client,
    `/v1/sessions/${encodeURIComponent(props.id)}`,
    LOOK_MS,
  );
  const rates = useRates(value, at);
  useKeys((key) => {
    if (key === 'Escape') goTo({ view: 'sessions' });
    else if (key === 'x' && may) setKicking(true);
    else return false;
    return true;
  });
  const isGone = error instanceof Refused && error.status === 404;
  const title = value?.user ?? value?.peer ?? props.id;
  const trace = value === undefined ? undefined : traceLink(info.traceLink, value.traceId);
  return (
    <div class={error === undefined ? 'stack' : 'stack stale'}>
      <p>
        <a href={formatRoute({ view: 'sessions' })}>Sessions</a>
      </p>
      <div class="row between">
        <h1>{title}</h1>
        <span class="row">
          <Fresh state={error === undefined ? (value === undefined ? 'connecting' : 'live') : 'away'} at={at} />
          {trace !== undefined && (
            <a class="button" href={trace} target="_blank" rel="noreferrer">
              Trace of the set-up
            </a>
          )}
          {!isGone && (
            <ActButton class="button danger" why={why} onAct={() => setKicking(true)}>
              Disconnect…
            </ActButton>
          )}
        </span>
      </div>
      {isGone ? (
        <Notice kind="info">
          {value === undefined ? 'There is no such session any more.' : 'The session is over. This was the last of it.'}
        </Notice>
      ) : (
        <Failed error={error} />
      )}
      {value !== undefined && (
        <>
          <div class="columns">
            <div class="stack fill">
              <Card title="Throughput" class="grow">
                <Plot series={rates} isDark={isDark} label={`Throughput of ${title} since this view opened`} />
              </Card>
              <RateForm session={value} onDone={again} />
            </div>
            <Facts session={value} />
          </div>
          <SetUp session={value} />
          <SessionDrops drops={value.drops} />
        </>
      )}
      {isKicking && may && value !== undefined && !isGone && (
        <KickDialog
          session={value}
          onClose={(isDone) => {
            setKicking(false);
            if (isDone) goTo({ view: 'sessions' });
          }}
        />
      )}
    </div>
  );
};
