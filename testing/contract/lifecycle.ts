import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import { type ContractSuite, suite } from '../suite.ts';
import { given, outcomeOf, withoutThrowing } from '../support/given.ts';

export interface LifecycleRig {
  readonly lifecycle: Lifecycle;
  teardown?(): Promise<void>;
}

/** What is started and stopped with the gateway must survive. `setup` makes one of its own for each check. */
export const lifecycleContract = (name: string, setup: () => Promise<LifecycleRig>): ContractSuite => {
  const using = (work: (lifecycle: Lifecycle) => Promise<void>) => async (): Promise<void> => {
    const rig = await setup();
    try {
      await work(rig.lifecycle);
    } finally {
      await rig.teardown?.();
    }
  };
  const signal = (): AbortSignal => new AbortController().signal;
  const stop = async (lifecycle: Lifecycle, when: string): Promise<void> => {
    const outcome = await outcomeOf(
      `stop ${when}`,
      withoutThrowing(`stop ${when}`, () => lifecycle.stop()),
    );
    given(outcome.ok, `stop ${when} rejected: ${outcome.ok ? '' : String(outcome.cause)}`);
  };

  const step = async <T>(what: string, work: Promise<T> | undefined): Promise<T | undefined> => {
    if (work === undefined) return undefined;
    const outcome = await outcomeOf(what, work);
    given(outcome.ok, `${what} rejected: ${outcome.ok ? '' : String(outcome.cause)}`);
    return outcome.ok ? outcome.value : undefined;
  };

  return suite(`Lifecycle: ${name}`, {
    'has a name': using(async (lifecycle) => {
      given(lifecycle.name.trim() !== '', 'it has no name for the log');
    }),
    'starts and stops, and may be stopped twice': using(async (lifecycle) => {
      const outcome = await outcomeOf('start', lifecycle.start(signal()));
      given(outcome.ok, `start rejected: ${outcome.ok ? '' : String(outcome.cause)}`);
      await stop(lifecycle, 'after start');
      await stop(lifecycle, 'once more');
    }),
    'may be stopped without having been started': using((lifecycle) => stop(lifecycle, 'before start')),
    'may be stopped while it starts': using(async (lifecycle) => {
      const controller = new AbortController();
      const starting = outcomeOf('start, called off', lifecycle.start(controller.signal));
      controller.abort();
      await stop(lifecycle, 'during start');
      await starting;
    }),
    'lets go for another process, with plain data, and takes it back': using(async (lifecycle) => {
      const { handOver } = lifecycle;
      if (handOver === undefined) return;
      await step('start', lifecycle.start(signal()));
      await step('takeBack without anything before', handOver.takeBack?.());
      await step('rest', handOver.rest?.());
      const state = await step('release', handOver.release?.());
      withoutThrowing('what release gives is no plain data: structuredClone', () => structuredClone(state));
      await step('takeBack', handOver.takeBack?.());
      await step('release, once more', handOver.release?.());
      await stop(lifecycle, 'behind another process');
    }),
  });
};
