import type { Gateway } from '../bootstrap.ts';
import type { LifeBody } from './gateway-life.ts';

/** A gateway of this process, as its life sees it. */
export const gatewayBody = (gateway: Gateway): LifeBody => ({
  sessions: gateway.sessions,
  isEmpty: () => gateway.sessions() === 0,
  isWell: () => true,
  onFewer: (listener) => gateway.onTunnelEnd(() => listener()),
  refuseCalls: () => gateway.refuseCalls(),
  acceptCalls: () => gateway.acceptCalls(),
  endTunnels: (reason, detail) => gateway.hangUpAll(reason, detail),
});
