import { GatewayError } from '../../core/errors.ts';
import type { HandOver } from '../../core/ports/handover.ts';
import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import type { Log } from '../../core/ports/log.ts';
import { sentenceOf } from '../plugins/plugin-error.ts';

/** What one part of the process before has left for the same part of the next one. */
export interface SentPart {
  readonly name: string;
  /** As the part gives it; undefined: nothing. */
  readonly state: unknown;
}

/** For a part of a plug-in to end, of which nothing is left to do; the process that serves waits for this one's places. */
const STOP_MS = 4_000;

interface Part {
  readonly name: string;
  readonly lifecycle: Lifecycle;
  readonly handOver: HandOver;
}

/** The part as a process has it started that takes over: everything but what the one before has still. */
export const startedBeside = (part: Lifecycle): Lifecycle => {
  const { handOver } = part;
  if (handOver?.startBeside === undefined) return part;
  return {
    name: part.name,
    start: async (signal) => handOver.startBeside?.(signal),
    stop: () => part.stop(),
  };
};

/** The parts of plug-ins that say how another process goes on with them; each step of all of them. */
export class HandedParts {
  private readonly parts: readonly Part[];
  private readonly log: Log;
  private readonly stopMs: number;
  /** Who has it may let parts go; `takeBack` ends what is under way. */
  private releasing: object | undefined;

  constructor(lifecycles: readonly Lifecycle[], log: Log, stopMs = STOP_MS) {
    this.parts = lifecycles.flatMap((lifecycle) => {
      const { name, handOver } = lifecycle;
      return handOver === undefined ? [] : [{ name, lifecycle, handOver }];
    });
    this.log = log;
    this.stopMs = stopMs;
  }

  /** Does not reject: what cannot rest lets go as it is. */
  async rest(): Promise<void> {
    await Promise.allSettled(this.parts.map(async ({ handOver }) => handOver.rest?.()));
  }

  /** In reverse, as they would be stopped. Rejects with UPGRADE_FAILED, and then `takeBack` is to be called. */
  async release(): Promise<readonly SentPart[]> {
    const sent: SentPart[] = [];
    const mine = {};
    this.releasing = mine;
    for (const { name, handOver } of this.parts.toReversed()) {
      // One of them took so long that this process goes on: nobody takes what the others would let go of.
      if (this.releasing !== mine) throw new GatewayError('UPGRADE_FAILED', 'This process goes on.');
      try {
        sent.push({ name, state: await handOver.release?.() });
      } catch (cause) {
        throw new GatewayError(
          'UPGRADE_FAILED',
          `${name} cannot let go, and this process goes on: ${reasonOf(cause)}`,
          { cause },
        );
      }
    }
    return sent;
  }

  /** Resolves when all have what they had; what one of them cannot have again is in the log, and does not keep others from it. */
  async takeBack(): Promise<void> {
    this.releasing = undefined;
    await Promise.all(
      this.parts.map(async ({ name, handOver }) => {
        try {
          await handOver.takeBack?.();
        } catch (error) {
          this.log.error('upgrade.not-taken-back', `${name} does not go on as before; a restart brings it back`, {
            error,
          });
        }
      }),
    );
  }

  /** In the process that takes over, after its start. Rejects with a GatewayError that says what is in the way. */
  async takeOver(sent: readonly SentPart[]): Promise<void> {
    for (const { name, state } of sent) {
      const known = this.parts.find((part) => part.name === name);
      if (state === undefined || known?.handOver.takeOver !== undefined) continue;
      throw new GatewayError(
        'CONFIG_INVALID',
        `${name} has sessions to go on with, and the configuration has no such part any more: put back what was there before and upgrade, or start the gateway again.`,
      );
    }
    for (const { name, handOver } of this.parts) {
      try {
        await handOver.takeOver?.(sent.find((part) => part.name === name)?.state);
      } catch (cause) {
        if (cause instanceof GatewayError) throw cause;
        throw new GatewayError('UPGRADE_FAILED', `${name} cannot go on: ${reasonOf(cause)}`, { cause });
      }
    }
  }

  /** From now on they are seen. A fault of one is in the log: the tunnels go on. */
  serve(): void {
    for (const { name, handOver } of this.parts) {
      try {
        handOver.serve?.();
      } catch (error) {
        this.log.error('upgrade.fault', `${name} failed to serve after an upgrade; a restart brings it back`, {
          error,
        });
      }
    }
  }

  /** In the process before, when another one serves. Does not reject. */
  async stop(): Promise<void> {
    await Promise.all(
      this.parts.map(async ({ name, lifecycle }) => {
        try {
          await inTime(lifecycle.stop(), this.stopMs);
        } catch (error) {
          this.log.warn('upgrade.remains', `${name} of the process before did not end cleanly`, { error });
        }
      }),
    );
  }
}

const inTime = async (work: Promise<void>, milliseconds: number): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not stopped after ${milliseconds} ms`)), milliseconds);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

const reasonOf = (cause: unknown): string => sentenceOf(cause).replace(/\.?$/, '.');
