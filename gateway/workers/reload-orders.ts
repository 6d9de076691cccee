import { ConfigError, formatProblem } from '../../config/problems.ts';
import type { GatewayConfig } from '../../config/types.ts';
import type { GatewayLife } from '../life/gateway-life.ts';
import { type Ask, AskError, isNothing } from './ask.ts';
import type { Shard } from './shard.ts';
import type { SupervisorPort } from './supervisor-port.ts';
import { workerConfig } from './worker-config.ts';

const MOST_PENDING = 4;

/** What a supervisor tells a worker about a new configuration: to look at it, and then to have it or to forget it. */
export type ReloadOrder =
  | { readonly order: 'prepare'; readonly id: number; readonly config: GatewayConfig; readonly by: string }
  | { readonly order: 'commit' | 'forget'; readonly id: number };

const isOrder = (value: unknown): value is ReloadOrder => {
  if (typeof value !== 'object' || value === null) return false;
  // What is in the configuration the supervisor, of the same build, has checked.
  const { order, id, config, by } = Object.fromEntries(Object.entries(value));
  if (!Number.isInteger(id)) return false;
  if (order === 'prepare') return typeof config === 'object' && config !== null && typeof by === 'string';
  return order === 'commit' || order === 'forget';
};

/** Refused with the code and what is wrong: each problem of a configuration is a line. */
export const RELOAD_ORDER: Ask<ReloadOrder, undefined> = { name: 'reload', isBody: isOrder, isAnswer: isNothing };

/** In a worker. */
export const answerReloadOrders = (port: Pick<SupervisorPort, 'answer'>, life: GatewayLife, shard: Shard): void => {
  /** By the numbers of their orders: a worker that came up just now may be told of two configurations at a time. */
  const pending = new Map<number, () => Promise<void>>();
  port.answer(RELOAD_ORDER, async (order) => {
    if (order.order === 'prepare') {
      const config = workerConfig(order.config, shard);
      const commit = await life.prepare(config, order.by).catch((cause: unknown) => {
        if (!(cause instanceof ConfigError)) throw cause;
        throw new AskError(cause.code, cause.problems.map(formatProblem).join('\n'));
      });
      pending.set(order.id, async () => {
        await commit();
        life.adopt(config);
      });
      // One that was given up before it was looked at.
      for (const oldest of pending.keys()) if (pending.size > MOST_PENDING) pending.delete(oldest);
      return undefined;
    }
    const commit = pending.get(order.id);
    pending.delete(order.id);
    if (order.order === 'forget') return undefined;
    if (commit === undefined) throw new AskError('BAD_REQUEST', 'there is no configuration to bring into force');
    await commit();
    return undefined;
  });
};
