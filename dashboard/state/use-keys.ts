import { useEffect, useRef } from 'preact/hooks';

/** Whether the key belongs to what is typed into, or to an open dialog. */
const isTaken = (event: KeyboardEvent): boolean => {
  if (event.ctrlKey || event.altKey || event.metaKey) return true;
  const { target } = event;
  if (!(target instanceof Element)) return false;
  return target.closest('input, textarea, select, dialog[open]') !== null;
};

/** Keys of the whole page, unless somebody types. The handler says whether it took the key. */
export const useKeys = (handler: (key: string, target: EventTarget | null) => boolean): void => {
  const newest = useRef(handler);
  newest.current = handler;
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || isTaken(event)) return;
      if (newest.current(event.key, event.target)) event.preventDefault();
    };
    window.addEventListener('keydown', pressed);
    return () => window.removeEventListener('keydown', pressed);
  }, []);
};
