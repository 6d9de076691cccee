import type { FastifyInstance } from 'fastify';
import { GatewayError } from '../../../core/errors.ts';
import type { UpgradeOrder, UpgradeReport } from '../api/upgrade.ts';
import { fromSpec } from '../spec.ts';
import { UPGRADE } from '../specs/upgrade.ts';

/** What can be upgraded. */
export interface Upgradable {
  /** `answered` resolves when who has asked has the answer, or is gone. */
  run(order: UpgradeOrder, by: string, answered?: Promise<unknown>): Promise<UpgradeReport>;
}

export const upgradeRoute =
  (upgrade: Upgradable) =>
  (app: FastifyInstance): void => {
    app.route<{ Body: UpgradeOrder | null }>({
      ...fromSpec(UPGRADE),
      handler: ({ body, actor }, { raw }): Promise<UpgradeReport> =>
        upgrade.run(body ?? {}, actor, new Promise((resolve) => raw.once('close', resolve))),
    });
  };

/** Of a gateway that cannot: says why, and what to do instead. */
export const cannotUpgrade = (why: string): Upgradable => ({
  run: () =>
    Promise.reject(new GatewayError('UPGRADE_REFUSED', `${why} Drain it, and start it again: its clients call again.`)),
});
