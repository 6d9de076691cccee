/** A back-end that asks an HTTP service (docs/webhook.md). */
export type { WebhookOptions } from './options.ts';
export { Webhook, webhookPlugin, webhookPlugin as default } from './plugin.ts';
export { sign, signatureFault } from './signature.ts';
