import type { Log } from '../../core/ports/log.ts';
import type { Gateway, GatewayOptions } from '../bootstrap.ts';
import type { SupervisorLink } from './ask.ts';
import { SharedPool } from './shared-pool.ts';

/** Lets the gateway of a worker lend and borrow addresses; `attach` is to be called with it before it starts. */
export const shareAddresses = (
  options: GatewayOptions,
  supervisor: SupervisorLink,
  log: Log,
  made: (pool: SharedPool) => void = () => undefined,
): { readonly options: GatewayOptions; attach(gateway: Gateway): void } => {
  let pool: SharedPool | undefined;
  const sharePool: GatewayOptions['session']['sharePool'] = (own) => {
    pool = new SharedPool(own, supervisor, log);
    made(pool);
    return pool;
  };
  return {
    options: { ...options, session: { ...options.session, sharePool } },
    attach: (gateway) =>
      pool?.attach({
        routes: gateway.hostRoutes,
        endOlder: (identity, address) => gateway.endOlder(identity, address),
      }),
  };
};
