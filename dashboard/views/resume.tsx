import { useEffect, useState } from 'preact/hooks';
import { backoffMs } from '../api/backoff.ts';
import { type Client, isFinal, Refused } from '../api/client.ts';
import type { GatewayInfo } from '../api/gateway-info.ts';
import { Mark } from '../ui/mark.tsx';

/** The page was loaded again and has a token: asks until the gateway answers. */
export const Resume = (props: {
  readonly client: Client;
  readonly onInfo: (info: GatewayInfo) => void;
  readonly onLeave: (why?: string) => void;
}) => {
  const { client } = props;
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const attempt = async (round: number): Promise<void> => {
      try {
        const info = await client.ask<GatewayInfo>('GET', '/v1/gateway');
        if (!isOver) props.onInfo(info);
      } catch (error) {
        if (isOver) return;
        if (error instanceof Refused && isFinal(error)) return props.onLeave(error.message);
        setProblem(error instanceof Refused ? error.message : 'The gateway does not answer.');
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
        <p>{problem === undefined ? 'Asking the gateway…' : `${problem} Trying again…`}</p>
        <button type="button" class="button" onClick={() => props.onLeave()}>
          Log out
        </button>
      </div>
    </main>
  );
};
