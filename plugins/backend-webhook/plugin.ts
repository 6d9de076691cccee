import type { ServiceIdentifier } from 'inversify';
import { BoundedLog } from '../../core/ports/bounded-log.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { HandOver } from '../../core/ports/handover.ts';
import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import { type LiveOptions, optionsInForce } from '../../core/ports/live-options.ts';
import type { Log } from '../../core/ports/log.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import type { WallClock } from '../../core/ports/wall-clock.ts';
import { TOKENS } from '../../core/tokens.ts';
import { AnswerCache } from './answer-cache.ts';
import { type CachedAnswer, WebhookAuthenticator } from './authenticator.ts';
import { WebhookEvents } from './events.ts';
import { checkWebhookOptions, type WebhookOptions, webhookSettings } from './options.ts';
import { Service } from './service.ts';
import { readTlsFiles } from './tls-files.ts';

/** How long the end of the gateway waits for events that are not told yet, in ms. */
const LAST_WORDS_MS = 3_000;

/** The parts of one gateway. */
export class Webhook implements Lifecycle {
  readonly name = 'webhook';
  /** What is cached begins anew, and log-ins under way are lost as other set-ups are. */
  readonly handOver: HandOver = {
    rest: () => this.events.rest(),
    release: async () => this.events.release(),
    takeOver: async (state) => this.events.takeOver(state),
    serve: () => this.events.goOn(),
    takeBack: async () => this.events.goOn(),
  };
  readonly authenticator: WebhookAuthenticator;
  readonly events: WebhookEvents;
  private readonly service: Service;
  private readonly cache: AnswerCache<CachedAnswer>;
  private readonly options: WebhookOptions;

  constructor(clock: Clock, wallClock: WallClock, log: Log, live: LiveOptions<WebhookOptions>) {
    const options = optionsInForce(live);
    const now = (): number => clock.now();
    const bounded = new BoundedLog(log, now);
    this.options = options;
    this.service = new Service({ clock, wallClock }, options);
    this.cache = new AnswerCache(() => options.cacheEntries, clock);
    this.authenticator = new WebhookAuthenticator(this.service, this.cache, bounded, options);
    this.events = new WebhookEvents(this.service, clock, bounded, () => options.eventQueue);
    live.onChange(() => {
      this.service.changed();
      // Somebody else may have said it, or for a longer time.
      this.cache.clear();
    });
  }

  async start(): Promise<void> {
    this.service.open(await readTlsFiles(this.options));
  }

  async stop(): Promise<void> {
    await this.events.stop(LAST_WORDS_MS);
    this.service.close();
    this.cache.clear();
  }
}

/** Binds the back-end that asks an HTTP service, and with `events` the listener that tells it of sessions. */
export const webhookPlugin = definePlugin<WebhookOptions>({
  name: 'webhook',
  api: PLUGIN_API,
  settings: webhookSettings,
  check: checkWebhookOptions,
  register({ bind }, options, live) {
    const webhook = Symbol('Webhook') as ServiceIdentifier<Webhook>;
    bind(webhook).toResolvedValue(
      (clock, wallClock, log) => new Webhook(clock, wallClock, log, live),
      [TOKENS.Clock, TOKENS.WallClock, TOKENS.Log],
    );
    bind(TOKENS.Authenticator).toResolvedValue((one) => one.authenticator, [webhook]);
    bind(TOKENS.Lifecycle).toResolvedValue((one) => one, [webhook]);
    if (options.traffic) bind(TOKENS.TrafficNeed).toConstantValue('webhook');
    if (options.events) bind(TOKENS.SessionListener).toResolvedValue((one) => one.events, [webhook]);
  },
});
