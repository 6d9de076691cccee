import { useEffect, useState } from 'preact/hooks';
import type { Client } from '../api/client.ts';
import type { GatewayInfo } from '../api/gateway-info.ts';

/** What the gateway says of itself and of the token, asked again when either has come back: both may have changed. */
export const useInfo = (client: Client, first: GatewayInfo, comebacks: number): GatewayInfo => {
  const [info, setInfo] = useState(first);
  useEffect(() => {
    if (comebacks === 0) return undefined;
    let isOver = false;
    client.ask<GatewayInfo>('GET', '/v1/gateway').then(
      (now) => {
        if (!isOver) setInfo(now);
      },
      // It is asked again at the next comeback.
      () => undefined,
    );
    return () => {
      isOver = true;
    };
  }, [client, comebacks]);
  return info;
};
