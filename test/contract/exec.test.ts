import { describe, it } from 'vitest';
import { toHex } from '../../core/bytes/hex.ts';
import { ntPasswordHash } from '../../core/crypto/ms-chap-v2.ts';
import { silentLog } from '../../core/ports/log.ts';
import { LiveValue } from '../../gateway/life/live-value.ts';
import { Exec } from '../../plugins/backend-exec/index.ts';
import { authenticatorContract } from '../../testing/contract/authenticator.ts';
import { runContract } from '../../testing/suite.ts';
import { execOptions } from '../support/exec-options.ts';
import { ManualClock } from '../support/manual-clock.ts';

const USERS = [
  { userName: 'alice', password: 'wonderland' },
  { userName: 'CORP\\Zoë', password: 'Südpol' },
];

const setup = async () => {
  const proofs = ['pap', 'chap-md5', 'ms-chap-v1', 'ms-chap-v2', 'certificate'] as const;
  const exec = new Exec(new ManualClock(), silentLog, new LiveValue(execOptions({ proofs, processes: 2 })));
  await exec.start();
  return {
    authenticator: exec.authenticator,
    users: USERS,
    secrets: USERS.map(({ password }) => toHex(ntPasswordHash(password))),
    breakDown: () => {
      void exec.stop();
    },
    teardown: () => exec.stop(),
  };
};

runContract(authenticatorContract('exec', setup), { describe, it });
