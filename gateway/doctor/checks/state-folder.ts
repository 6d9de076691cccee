import type { GatewayConfig } from '../../../config/types.ts';
import { type Finding, reporter } from '../finding.ts';

export interface StateFolderFacts {
  readonly state: 'writable' | 'missing' | 'refused';
  /** A missing folder can be made: the nearest one above it may be written to. */
  readonly canMake: boolean;
}

const { ok, fail } = reporter('state-folder');

/** The folder of the users file, the admin socket and the record of host changes. */
export const checkStateFolder = (
  { state, canMake }: StateFolderFacts,
  { stateDir }: Pick<GatewayConfig, 'stateDir'>,
): readonly Finding[] => {
  if (state === 'writable') return [ok(`The state folder ${stateDir} can be written to.`)];
  if (state === 'missing' && canMake)
    return [ok(`The state folder ${stateDir} is not there yet; the gateway makes it.`)];
  const how = state === 'missing' ? 'is not there and cannot be made' : 'cannot be written to';
  return [
    fail(
      `The state folder ${stateDir} ${how}.`,
      'Run the gateway as root, or set PPTP_STATE_DIR to a folder it may write to.',
    ),
  ];
};
