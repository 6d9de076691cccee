import { useEffect, useState } from 'preact/hooks';
import { formatRoute, parseRoute, type Route } from '../model/route.ts';

export const useRoute = (): Route => {
  const [route, setRoute] = useState(parseRoute(location.hash));
  useEffect(() => {
    const changed = (): void => setRoute(parseRoute(location.hash));
    window.addEventListener('hashchange', changed);
    return () => window.removeEventListener('hashchange', changed);
  }, []);
  return route;
};

export const goTo = (route: Route): void => {
  location.hash = formatRoute(route);
};
