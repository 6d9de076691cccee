import type { Gateway } from '../bootstrap.ts';
import type { Ask } from './ask.ts';
import type { SupervisorPort } from './supervisor-port.ts';

/** What a supervisor tells a worker about its calls. */
export interface LifeOrder {
  /** `look`: nothing but the answer. `end`: answered when every tunnel has been told to end. */
  readonly order: 'refuse' | 'accept' | 'end' | 'look';
  readonly reason?: 'shutdown' | 'administrative';
  readonly detail?: string;
}

const ORDERS: readonly unknown[] = ['refuse', 'accept', 'end', 'look'];
const REASONS: readonly unknown[] = [undefined, 'shutdown', 'administrative'];

const isOrder = (value: unknown): value is LifeOrder => {
  if (typeof value !== 'object' || value === null) return false;
  const { order, reason, detail } = Object.fromEntries(Object.entries(value));
  return ORDERS.includes(order) && REASONS.includes(reason) && ['undefined', 'string'].includes(typeof detail);
};

const isCount = (value: unknown): value is number => Number.isSafeInteger(value);

/** The answer: calls that the worker has, up or being set up. */
export const LIFE_ORDER: Ask<LifeOrder, number> = { name: 'life', isBody: isOrder, isAnswer: isCount };

/** In a worker. */
export const answerLifeOrders = (port: Pick<SupervisorPort, 'answer' | 'counts'>, gateway: Gateway): void => {
  port.counts(gateway.sessions);
  port.answer(LIFE_ORDER, async ({ order, reason = 'administrative', detail = '' }) => {
    if (order === 'refuse') gateway.refuseCalls();
    if (order === 'accept') gateway.acceptCalls();
    if (order === 'end') await gateway.hangUpAll(reason, detail);
    return gateway.sessions();
  });
};
