/** Why the service gave no answer that can be used. */
export type WebhookFaultCode =
  | 'WEBHOOK_TIMEOUT'
  | 'WEBHOOK_CANCELLED'
  | 'WEBHOOK_BUSY'
  | 'WEBHOOK_UNREACHABLE'
  | 'WEBHOOK_STATUS'
  | 'WEBHOOK_TOO_LARGE'
  | 'WEBHOOK_SIGNATURE'
  | 'WEBHOOK_ANSWER';

/** The caller makes the denial `unavailable` of it. The message names neither users nor anything of a proof. */
export class WebhookFault extends Error {
  override readonly name = 'WebhookFault';
  readonly code: WebhookFaultCode;

  constructor(code: WebhookFaultCode, message: string) {
    super(message);
    this.code = code;
  }
}
