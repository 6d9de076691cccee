import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Stats } from '../gateway/admin/api/stats.ts';
import type { Client } from './api/client.ts';
import type { GatewayInfo } from './api/gateway-info.ts';
import { PLAIN_VIEWS, type Route } from './model/route.ts';
import { FIRST_LIST } from './model/session-query.ts';
import { type Desk, DeskContext } from './state/desk.ts';
import { useComebacks } from './state/use-comebacks.ts';
import { useInfo } from './state/use-info.ts';
import { useKeys } from './state/use-keys.ts';
import { goTo, useRoute } from './state/use-route.ts';
import { useStream } from './state/use-stream.ts';
import type { useTheme } from './state/use-theme.ts';
import { useTraffic } from './state/use-traffic.ts';
import { Help } from './ui/help.tsx';
import { ToldList, useTold } from './ui/tell.tsx';
import { TopBar } from './ui/top-bar.tsx';
import { Audit } from './views/audit.tsx';
import { Configuration } from './views/configuration.tsx';
import { Locks } from './views/locks.tsx';
import { Overview } from './views/overview/overview.tsx';
import { Reasons } from './views/reasons.tsx';
import { SessionView } from './views/session/session.tsx';
import { Sessions } from './views/sessions/sessions.tsx';

const TITLES: Readonly<Record<Route['view'], string>> = {
  overview: 'Overview',
  sessions: 'Sessions',
  session: 'Session',
  audit: 'Audit',
  locks: 'Locks',
  configuration: 'Configuration',
  reasons: 'Drop reasons',
};

const View = (props: { readonly route: Route }) => {
  const { route } = props;
  switch (route.view) {
    case 'overview':
      return <Overview />;
    case 'sessions':
      return <Sessions />;
    case 'session':
      return <SessionView key={route.id} id={route.id} />;
    case 'audit':
      return <Audit />;
    case 'locks':
      return <Locks />;
    case 'configuration':
      return <Configuration />;
    case 'reasons':
      return <Reasons reason={route.reason} />;
  }
};

/** Everything behind the log-in: the bar on top, and one view. */
export const Shell = (props: {
  readonly client: Client;
  readonly info: GatewayInfo;
  readonly theme: ReturnType<typeof useTheme>;
  readonly onLeave: () => void;
}) => {
  const { client, theme, onLeave } = props;
  const route = useRoute();
  const stats = useStream<Stats>(client, '/v1/stats/stream', 'stats');
  const comebacks = useComebacks(stats);
  const info = useInfo(client, props.info, comebacks);
  const { traffic, before } = useTraffic(client, stats.value, comebacks);
  const list = useRef(FIRST_LIST);
  const { told, tell } = useTold();
  const [isHelp, setHelp] = useState(false);
  const main = useRef<HTMLElement>(null);
  const desk = useMemo<Desk>(
    () => ({ client, info, stats, before, traffic, list, isDark: theme.isDark, tell }),
    [client, info, stats, before, traffic, theme.isDark, tell],
  );
  useLayoutEffect(() => scrollTo(0, 0), [route]);
  useEffect(() => {
    document.title = `${TITLES[route.view]} – ${info.host ?? 'PPTP gateway'}`;
  }, [route, info]);
  useKeys((key) => {
    const view = PLAIN_VIEWS[Number(key) - 1];
    if (view !== undefined) goTo({ view });
    else if (key === '?') setHelp(true);
    else if (key === 't') theme.next();
    else return false;
    return true;
  });
  return (
    <DeskContext.Provider value={desk}>
      <button type="button" class="button skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <TopBar route={route} theme={theme} onHelp={() => setHelp(true)} onLeave={onLeave} />
      <main ref={main} id="main" tabIndex={-1}>
        {/* Another role may be answered otherwise. */}
        <View key={info.role} route={route} />
      </main>
      <ToldList told={told} />
      {isHelp && <Help onClose={() => setHelp(false)} />}
    </DeskContext.Provider>
  );
};
