import type { ClockReading } from '../system-clock.ts';
import { type Ask, isNothing } from '../workers/ask.ts';
import type { Borrowing } from './crew-messages.ts';

/** What one worker is asked while its supervisor hands the gateway over. */

/** The devices of a worker; their descriptors come beside the answer. */
export interface BequeathedDevices {
  /** What the other process has to know of them (`InheritedDevice.about`). */
  readonly tun: string;
  readonly gre: string;
  readonly clock: ClockReading;
}

/** After its connections and tunnels: the rest of what it is. */
export interface MovedWorker {
  readonly tunnels: number;
  readonly setups: number;
  readonly callIds: unknown;
  readonly networks: readonly string[];
  readonly borrowed: readonly Borrowing[];
}

const fieldsOf = (value: unknown): ReadonlyMap<string, unknown> =>
  typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : new Map();
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** Supervisor and worker are of the same build: what is in an answer is looked at as far as that it is one. */
const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
const isDevices = (value: unknown): value is BequeathedDevices => {
  const fields = fieldsOf(value);
  const texts = typeof fields.get('tun') === 'string' && typeof fields.get('gre') === 'string';
  return texts && isObject(fields.get('clock'));
};
const isMoved = (value: unknown): value is MovedWorker => {
  const fields = fieldsOf(value);
  const counts = Number.isSafeInteger(fields.get('tunnels')) && Number.isSafeInteger(fields.get('setups'));
  return counts && isTexts(fields.get('networks')) && Array.isArray(fields.get('borrowed'));
};

/** What speaks against it, as sentences. */
export const LOOK: Ask<undefined, readonly string[]> = { name: 'upgrade.look', isBody: isNothing, isAnswer: isTexts };

/** Wait for tunnels that negotiate; the body says whether those that cannot be moved may be ended. */
export const SETTLE: Ask<boolean, undefined> = { name: 'upgrade.settle', isBody: isFlag, isAnswer: isNothing };

export const BEQUEATH: Ask<undefined, BequeathedDevices> = {
  name: 'upgrade.bequeath',
  isBody: isNothing,
  isAnswer: isDevices,
};

/** Stand still; connections and tunnels come as messages before the answer. */
export const TAKE: Ask<undefined, MovedWorker> = { name: 'upgrade.take', isBody: isNothing, isAnswer: isMoved };

/** What plug-ins have under way comes to an end. */
export const REST: Ask<undefined, undefined> = { name: 'upgrade.rest', isBody: isNothing, isAnswer: isNothing };

/** After `TAKE`: plug-ins let go; what they hand over comes as messages before the answer. */
export const RELEASE: Ask<undefined, undefined> = { name: 'upgrade.release', isBody: isNothing, isAnswer: isNothing };

/** Nobody takes over. */
export const GO_ON: Ask<undefined, undefined> = { name: 'upgrade.go-on', isBody: isNothing, isAnswer: isNothing };
