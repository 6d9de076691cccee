import * as kinds from '../../core/ports/setting-kinds.ts';
import type { Settings } from '../../core/ports/settings.ts';

export interface PolicyLockoutOptions {
  /** Wrong proofs of one user from one address that lock this user for this address. */
  readonly failures: number;
  /** Wrong proofs from one address, of whatever users, that lock the address; 0: never. */
  readonly sourceFailures: number;
  /** Wrong proofs of one user from anywhere that lock the user for addresses that are new to it; 0: never. */
  readonly userFailures: number;
  /** The first lock, in seconds; each further one is twice as long. */
  readonly lockSeconds: number;
  readonly mostLockSeconds: number;
  /** After so many seconds half of the failures, and one doubling, are forgotten. */
  readonly decaySeconds: number;
  /** Users, addresses and pairs of them that are remembered, each; then the one that was quiet longest is forgotten. */
  readonly remembered: number;
}

export const settings: Settings<PolicyLockoutOptions> = {
  failures: {
    kind: kinds.integer(1, 1000),
    default: 5,
    live: true,
    doc: 'Wrong passwords of one user from one address that lock this user for this address.',
  },
  sourceFailures: {
    kind: kinds.integer(0, 100_000),
    default: 30,
    live: true,
    doc: 'Wrong passwords from one address, of whatever users, that lock the address; it may be a NAT. 0: never.',
  },
  userFailures: {
    kind: kinds.integer(0, 100_000),
    default: 0,
    live: true,
    doc: 'Wrong passwords of one user from anywhere that lock the user for addresses it never came from. 0: never, because anybody could lock a user out then.',
  },
  lockSeconds: {
    kind: kinds.integer(1, 86_400, 'seconds'),
    default: 30,
    live: true,
    doc: 'How long the first lock lasts; each further one lasts twice as long.',
  },
  mostLockSeconds: {
    kind: kinds.integer(1, 2_592_000, 'seconds'),
    default: 3600,
    live: true,
    doc: 'How long a lock lasts at the most.',
  },
  decaySeconds: {
    kind: kinds.integer(1, 2_592_000, 'seconds'),
    default: 900,
    live: true,
    doc: 'After this time without another one, half of the wrong passwords are forgotten, and one doubling of the lock.',
  },
  remembered: {
    kind: kinds.integer(100, 1_000_000),
    default: 20_000,
    live: true,
    doc: 'Users, addresses and pairs of both that are remembered, each; beyond that the one that was quiet longest is forgotten.',
  },
};
