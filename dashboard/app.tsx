import { useMemo, useRef, useState } from 'preact/hooks';
import { type Client, createClient, type Refused } from './api/client.ts';
import type { GatewayInfo } from './api/gateway-info.ts';
import { tokenStore } from './api/token.ts';
import { Shell } from './shell.tsx';
import { useTheme } from './state/use-theme.ts';
import { Login } from './views/login.tsx';
import { Resume } from './views/resume.tsx';

interface Entered {
  readonly client: Client;
  readonly info: GatewayInfo;
}

/** Who may look: the log-in until a token was taken, then everything else. */
export const App = () => {
  const theme = useTheme();
  const [token, setToken] = useState(tokenStore.get);
  const [entered, setEntered] = useState<Entered>();
  const [reason, setReason] = useState<string>();
  const held = useRef(token);
  const leave = (why?: string): void => {
    tokenStore.clear();
    held.current = undefined;
    setToken(undefined);
    setEntered(undefined);
    setReason(why);
  };
  const clientFor = (one: string): Client =>
    createClient(one, (refused: Refused) => {
      // The last answers to a token that was left already are of no concern to the one after it.
      if (held.current === one) leave(`The gateway does not take this token any more. ${refused.message}`);
    });
  const resumed = useMemo(() => (token === undefined ? undefined : clientFor(token)), [token]);
  if (entered !== undefined) {
    return <Shell client={entered.client} info={entered.info} theme={theme} onLeave={() => leave()} />;
  }
  if (resumed !== undefined) {
    return <Resume client={resumed} onInfo={(info) => setEntered({ client: resumed, info })} onLeave={leave} />;
  }
  return (
    <Login
      reason={reason}
      onEnter={(one, info) => {
        tokenStore.set(one);
        held.current = one;
        setReason(undefined);
        setEntered({ client: clientFor(one), info });
        setToken(one);
      }}
    />
  );
};
