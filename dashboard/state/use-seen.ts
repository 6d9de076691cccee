import { useEffect, useState } from 'preact/hooks';

/** Who looks at another tab for a moment only is still here. */
const GONE_MS = 3000;

/** Whether the page can be seen: its tab is in front, or was so until a moment ago. */
export const useSeen = (): boolean => {
  const [isSeen, setSeen] = useState(!document.hidden);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const changed = (): void => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(() => setSeen(false), GONE_MS);
      else setSeen(true);
    };
    document.addEventListener('visibilitychange', changed);
    changed();
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', changed);
    };
  }, []);
  return isSeen;
};
