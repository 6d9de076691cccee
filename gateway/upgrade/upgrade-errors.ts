import { GatewayError } from '../../core/errors.ts';

/** Nothing has happened. */
export const refused = (message: string): GatewayError => new GatewayError('UPGRADE_REFUSED', message);

export const failedBecause = (why: string): GatewayError =>
  new GatewayError(
    'UPGRADE_FAILED',
    `The new process did not take over, and this one goes on: ${why.replace(/\.$/, '')}.`,
  );
