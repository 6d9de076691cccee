import { formatRoute, PLAIN_VIEWS, type PlainView, type Route } from '../model/route.ts';
import { useDesk } from '../state/desk.ts';
import type { useTheme } from '../state/use-theme.ts';
import { Fresh } from './fresh.tsx';
import { Mark } from './mark.tsx';

const NAMES: Readonly<Record<PlainView, string>> = {
  overview: 'Overview',
  sessions: 'Sessions',
  audit: 'Audit',
  locks: 'Locks',
  configuration: 'Configuration',
};

const isHere = (view: PlainView, route: Route): boolean =>
  view === route.view || (view === 'sessions' && route.view === 'session');

export const TopBar = (props: {
  readonly route: Route;
  readonly theme: ReturnType<typeof useTheme>;
  readonly onHelp: () => void;
  readonly onLeave: () => void;
}) => {
  const { info, stats } = useDesk();
  const { theme } = props.theme;
  return (
    <header class="top">
      <div class="brand">
        <Mark />
        <span>
          <strong>{info.host ?? 'PPTP gateway'}</strong> <span class="muted small">{info.version}</span>
        </span>
      </div>
      <nav aria-label="Views">
        <ul>
          {PLAIN_VIEWS.map((view) => (
            <li key={view}>
              <a href={formatRoute({ view })} aria-current={isHere(view, props.route) ? 'page' : undefined}>
                {NAMES[view]}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="top-tools">
        <Fresh state={stats.state} at={stats.at} />
        <span class="badge" title="What this token may do">
          {info.role}
        </span>
        <button type="button" class="button quiet" onClick={props.theme.next} title="Theme (t)">
          <span class="wide">Theme:&nbsp;</span>
          {theme}
        </button>
        <button type="button" class="button quiet" onClick={props.onHelp} aria-label="Help: keys" title="Keys (?)">
          ?
        </button>
        <button type="button" class="button quiet" onClick={props.onLeave}>
          Log out
        </button>
      </div>
    </header>
  );
};
