import { useCallback, useRef, useState } from 'preact/hooks';

interface Told {
  readonly id: number;
  readonly message: string;
  readonly kind: 'good' | 'bad';
}

const SHOWN_MS = 8000;
const MOST = 3;

/** Short messages in a corner; the one live region of the page. */
export const useTold = () => {
  const [told, setTold] = useState<readonly Told[]>([]);
  const next = useRef(0);
  const tell = useCallback((message: string, kind: 'good' | 'bad' = 'good') => {
    next.current += 1;
    const id = next.current;
    setTold((all) => [...all.slice(1 - MOST), { id, message, kind }]);
    setTimeout(() => setTold((all) => all.filter((one) => one.id !== id)), SHOWN_MS);
  }, []);
  return { told, tell };
};

export const ToldList = (props: { readonly told: readonly Told[] }) => (
  <div class="told" role="status" aria-live="polite">
    {props.told.map(({ id, message, kind }) => (
      <p key={id} class={`told-line ${kind}`}>
        {message}
      </p>
    ))}
  </div>
);
