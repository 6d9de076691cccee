import { describe, it } from 'vitest';
import { toHex } from '../../core/bytes/hex.ts';
import { ntPasswordHash } from '../../core/crypto/ms-chap-v2.ts';
import { silentLog } from '../../core/ports/log.ts';
import { LiveValue } from '../../gateway/life/live-value.ts';
import { Webhook } from '../../plugins/backend-webhook/index.ts';
import { authenticatorContract } from '../../testing/contract/authenticator.ts';
import { runContract } from '../../testing/suite.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type Answers, SECRET, WebhookService, webhookOptions } from '../support/webhook-service.ts';

const USERS = [
  { userName: 'alice', password: 'wonderland' },
  { userName: 'CORP\\Zoë', password: 'Südpol' },
];
const passwords = new Map(USERS.map(({ userName, password }) => [userName.replace(/^.*\\/, ''), password]));

const known =
  (secret: (password: string) => object): Answers =>
  ({ question }) => {
    const password = passwords.get(String(question['user']));
    if (password === undefined) return { version: 1, result: 'unknown-user' };
    return { version: 1, result: 'secret', ...secret(password) };
  };

const setup = (answers: Answers, cacheSeconds: number) => async () => {
  const service = await WebhookService.start(answers);
  const proofs = ['pap', 'chap-md5', 'ms-chap-v1', 'ms-chap-v2', 'certificate', 'ms-chap-v2-change'] as const;
  const options = webhookOptions({ url: service.url, proofs, cacheSeconds, allowPlainPap: true });
  // Nothing here waits for a time-out; the caller gives up first.
  const webhook = new Webhook(new ManualClock(), { now: () => 1_700_000_000_000 }, silentLog, new LiveValue(options));
  await webhook.start();
  return {
    authenticator: webhook.authenticator,
    users: USERS,
    secrets: [SECRET, ...USERS.map(({ password }) => toHex(ntPasswordHash(password)))],
    silence: () => {
      service.answers = () => undefined;
    },
    breakDown: () => {
      service.answers = ({ request }) => void request.socket.destroy();
    },
    teardown: async () => {
      await webhook.stop();
      await service.stop();
    },
  };
};

const byPassword = known((password) => ({ password }));
runContract(authenticatorContract('webhook, asked each time', setup(byPassword, 0)), { describe, it });
runContract(authenticatorContract('webhook, with a cache', setup(byPassword, 60)), { describe, it });
