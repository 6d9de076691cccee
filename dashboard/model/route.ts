/** What is looked at; the part of the address after "#", so that going back works and a view can be named to a colleague. */
export type Route =
  | { readonly view: 'overview' | 'sessions' | 'audit' | 'locks' | 'configuration' }
  | { readonly view: 'session'; readonly id: string }
  | { readonly view: 'reasons'; readonly reason: string | undefined };

export const PLAIN_VIEWS = ['overview', 'sessions', 'audit', 'locks', 'configuration'] as const;
export type PlainView = (typeof PLAIN_VIEWS)[number];

const isPlain = (word: string): word is PlainView => PLAIN_VIEWS.some((view) => view === word);

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

export const parseRoute = (hash: string): Route => {
  const [view = '', rest = ''] = hash.replace(/^#?\/?/, '').split('/');
  if (view === 'sessions' && rest !== '') return { view: 'session', id: decoded(rest) };
  if (view === 'reasons') return { view, reason: rest === '' ? undefined : decoded(rest) };
  return { view: isPlain(view) ? view : 'overview' };
};

export const formatRoute = (route: Route): string => {
  if (route.view === 'session') return `#/sessions/${encodeURIComponent(route.id)}`;
  if (route.view === 'reasons') {
    return route.reason === undefined ? '#/reasons' : `#/reasons/${encodeURIComponent(route.reason)}`;
  }
  return `#/${route.view}`;
};
