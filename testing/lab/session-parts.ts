import type { AccountingRecord, AccountingSink } from '../../core/ports/accounting.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import type { SessionPolicy } from '../../core/ports/policy.ts';
import type { SessionEnding, SessionFacts, SessionUsage } from '../../core/ports/session-facts.ts';
import type { SessionListener } from '../../core/ports/session-listener.ts';
import { TOKENS } from '../../core/tokens.ts';
import { type LoadedPlugin, withOptions } from '../../gateway/plugin-loader.ts';

export interface SessionParts {
  readonly policies?: readonly SessionPolicy[];
  readonly sinks?: readonly AccountingSink[];
  readonly listeners?: readonly SessionListener[];
  /** Has the traffic stages bound. */
  readonly traffic?: boolean;
}

/** Binds these policies, sinks and listeners, in their order. */
export const sessionParts = ({ policies, sinks, listeners, traffic }: SessionParts): LoadedPlugin =>
  withOptions(
    definePlugin({
      name: 'session-parts',
      api: PLUGIN_API,
      register: ({ bind }) => {
        for (const policy of policies ?? []) bind(TOKENS.SessionPolicy).toConstantValue(policy);
        for (const sink of sinks ?? []) bind(TOKENS.AccountingSink).toConstantValue(sink);
        for (const listener of listeners ?? []) bind(TOKENS.SessionListener).toConstantValue(listener);
        if (traffic === true) bind(TOKENS.TrafficNeed).toConstantValue('session-parts');
      },
    }),
    undefined,
  );

export type Told =
  | { readonly kind: 'start' | 'interim'; readonly record: AccountingRecord }
  | { readonly kind: 'stop'; readonly record: AccountingRecord; readonly ending: SessionEnding }
  | { readonly kind: 'up' | 'restored' | 'changed'; readonly facts: SessionFacts }
  | {
      readonly kind: 'down';
      readonly facts: SessionFacts;
      readonly ending: SessionEnding;
      readonly usage: SessionUsage;
    };

/** Keeps what it is told of sessions, as a sink and as a listener. */
export class SessionNotes implements AccountingSink, SessionListener {
  readonly name = 'notes';
  readonly told: Told[] = [];

  start(record: AccountingRecord): void {
    this.told.push({ kind: 'start', record });
  }

  interim(record: AccountingRecord): void {
    this.told.push({ kind: 'interim', record });
  }

  stop(record: AccountingRecord, ending: SessionEnding): void {
    this.told.push({ kind: 'stop', record, ending });
  }

  up(facts: SessionFacts): void {
    this.told.push({ kind: 'up', facts });
  }

  restored(facts: SessionFacts): void {
    this.told.push({ kind: 'restored', facts });
  }

  changed(facts: SessionFacts): void {
    this.told.push({ kind: 'changed', facts });
  }

  down(facts: SessionFacts, ending: SessionEnding, usage: SessionUsage): void {
    this.told.push({ kind: 'down', facts, ending, usage });
  }

  get kinds(): readonly Told['kind'][] {
    return this.told.map(({ kind }) => kind);
  }
}
