import { useEffect, useState } from 'preact/hooks';
import { backoffMs } from '../api/backoff.ts';
import { type Client, Refused } from '../api/client.ts';
import type { GatewayInfo } from '../api/gateway-info.ts';
import { Mark } from '../ui/mark.tsx';

/** The page was loaded again and has a token: asks until the gateway answers. */
export const Resume = (props: {
  readonly client: Client;
  readonly onInfo: (info: GatewayInfo) => void;
  readonly onLeave: (why?: string) => void;
}) => {
  const { client } = props;
  const [isAway, setAway] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const attempt = async (round: number): Promise<void> => {
      try {
        const info = await client.ask<GatewayInfo>('GET', '/v1/gateway');
        if (!isOver) props.onInfo(info);
      } catch (error) {
        if (isOver) return;
        if (error instanceof Refused && error.status !== 429 && error.status < 500) return props.onLeave(error.message);
        setAway(true);
        const wanted = error instanceof Refused ? error.waitMs : 0;
        timer = setTimeout(() => void attempt(round + 1), backoffMs(round, Math.random(), wanted));
      }
    };
    void attempt(0);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [client]);
  return (
    <main class="login">
      <div class="card stack login-card" role="status">
        <div class="brand">
          <Mark />
          <h1>PPTP gateway</h1>
        </div>
        <p>{isAway ? 'The gateway does not answer. Trying again…' : 'Asking the gateway…'}</p>
        <button type="button" class="button" onClick={() => props.onLeave()}>
          Log out
        </button>
      </div>
    </main>
  );
};
