import type { Container } from 'inversify';
import { GatewayError } from '../../core/errors.ts';
import type { CancelSignal } from '../../core/ports/cancel.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import type { Log } from '../../core/ports/log.ts';
import { after } from '../../core/time.ts';
import { TOKENS } from '../../core/tokens.ts';
import type { Claims } from './bindings.ts';
import { pluginError, sentenceOf } from './plugin-error.ts';
import { fullName } from './plugin-source.ts';

interface StartDeps {
  readonly clock: Clock;
  readonly log: Log;
}

/** How long a start may take before the log says what the gateway waits for, in ms. */
const PATIENCE_MS = 10_000;

/**
 * What plug-ins want started and stopped: the failure of an operator's is told with its package, and so is one that hangs. `as`
 * says how each is started.
 */
export function lifecyclesOf(
  container: Container,
  { claims }: Claims,
  deps: StartDeps,
  as: (part: Lifecycle) => Lifecycle = (part) => part,
): readonly Lifecycle[] {
  const all = container.getAll(TOKENS.Lifecycle).map(as);
  const owners = claims.filter(({ token }) => token === TOKENS.Lifecycle);
  return all.map((part, at) => {
    const plugin = owners.length === all.length ? owners[at]?.plugin : undefined;
    if (plugin === undefined || plugin.source.kind === 'built-in') return part;
    return new NamedStart(part, fullName(plugin.name, plugin.source), deps);
  });
}

class NamedStart implements Lifecycle {
  readonly name: string;
  private readonly part: Lifecycle;
  private readonly who: string;
  private readonly deps: StartDeps;

  constructor(part: Lifecycle, who: string, deps: StartDeps) {
    this.name = `plug-in ${who}`;
    this.part = part;
    this.who = who;
    this.deps = deps;
  }

  async start(signal: CancelSignal): Promise<void> {
    const { clock, log } = this.deps;
    const relax = clock.schedule(after(clock.now(), PATIENCE_MS), () =>
      log.warn('plugin.starting', `the gateway waits for the start of the plug-in ${this.who}`),
    );
    try {
      await this.part.start(signal);
    } catch (cause) {
      throw cause instanceof GatewayError
        ? cause
        : pluginError(this.who, `starting it failed: ${sentenceOf(cause)}`, cause);
    } finally {
      relax();
    }
  }

  stop(): Promise<void> {
    return this.part.stop();
  }
}
