import { describe, it } from 'vitest';
import { silentLog } from '../../core/ports/log.ts';
import { LiveValue } from '../../gateway/life/live-value.ts';
import { Exec } from '../../plugins/backend-exec/index.ts';
import { Webhook } from '../../plugins/backend-webhook/index.ts';
import { lifecycleContract } from '../../testing/contract/lifecycle.ts';
import { sessionListenerContract } from '../../testing/contract/told.ts';
import { runContract } from '../../testing/suite.ts';
import { execOptions } from '../support/exec-options.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { WebhookService, webhookOptions } from '../support/webhook-service.ts';

const webhook = async () => {
  const service = await WebhookService.start(() => ({ version: 1, result: 'ok' }));
  const options = webhookOptions({ url: service.url, events: true });
  const clock = new ManualClock();
  const parts = new Webhook(clock, { now: () => 1_700_000_000_000 }, silentLog, new LiveValue(options));
  return { service, clock, parts };
};

runContract(
  lifecycleContract('webhook', async () => {
    const { service, parts } = await webhook();
    return { lifecycle: parts, teardown: () => service.stop() };
  }),
  { describe, it },
);

runContract(
  sessionListenerContract('webhook', async () => {
    const { service, clock, parts } = await webhook();
    await parts.start();
    return {
      listener: parts.events,
      breakDown: () => {
        service.answers = ({ request }) => void request.socket.destroy();
      },
      teardown: async () => {
        const stopped = parts.stop();
        clock.advance(60_000);
        await stopped;
        await service.stop();
      },
    };
  }),
  { describe, it },
);

runContract(
  lifecycleContract('exec', async () => {
    const parts = new Exec(new ManualClock(), silentLog, new LiveValue(execOptions()));
    return { lifecycle: parts, teardown: () => parts.stop() };
  }),
  { describe, it },
);
