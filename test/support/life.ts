import { type LoadedConfig, loadConfig } from '../../config/load.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Log } from '../../core/ports/log.ts';
import { GatewayLife, type LifeBody, type LifeDeps } from '../../gateway/life/gateway-life.ts';
import { MemoryLog } from './memory-log.ts';

export interface TestLifeOptions {
  readonly clock: Clock;
  readonly log?: Log;
  readonly loaded?: LoadedConfig;
  readonly body?: LifeBody;
  readonly reload?: LifeDeps['reload'];
  /** Leave it at `starting`. */
  readonly starting?: boolean;
}

/** The life of a gateway that is ready; it reads its configuration again without finding anything new. */
export const testLife = ({ clock, log, loaded, body, reload, starting }: TestLifeOptions): GatewayLife => {
  const none: LifeDeps['reload'] = async (before, _by, enforce) => {
    await enforce(before);
    return { loaded: before, report: { changed: [], needRestart: [], warnings: [] } };
  };
  const life = new GatewayLife(
    { clock, wallClock: { now: () => clock.now() }, log: log ?? new MemoryLog(), reload: reload ?? none },
    loaded ?? loadConfig({ env: {} }),
  );
  if (body !== undefined) life.attach(body);
  if (starting !== true) life.started();
  return life;
};
