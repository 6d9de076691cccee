import { ControlStream } from '../../../core/wire/control-stream.ts';
import { type PptpMessage, writePptpMessage } from '../../../core/wire/pptp-message.ts';
import type { BytePipe } from '../../../plugins/control-pptp/index.ts';

/** What came instead of the message that was waited for, as the end of a sentence. */
export interface Silence {
  readonly kind: 'silence';
  readonly detail: string;
}

/** Questions and answers on a control connection, one at a time. Other messages in between are passed over. */
export class ControlDialogue {
  private readonly pipe: BytePipe;
  private readonly stream = new ControlStream();
  private waiting: ((message: PptpMessage | Silence) => void) | undefined;
  private wanted: PptpMessage['kind'] | undefined;
  private ended: Silence | undefined;

  constructor(pipe: BytePipe) {
    this.pipe = pipe;
    pipe.read({
      bytes: (bytes) => {
        const fault = this.stream.receive(bytes, (message) => this.take(message));
        if (fault !== undefined) this.finish(`what it sends is no control message (${fault})`);
      },
      closed: (detail) => this.finish(detail.replace(/\.$/, '')),
    });
  }

  say(message: PptpMessage): void {
    this.pipe.write(writePptpMessage(message));
  }

  /** Sends the question and waits for the first message of this kind. */
  ask<K extends PptpMessage['kind']>(
    question: PptpMessage,
    kind: K,
    timeoutMs: number,
  ): Promise<Extract<PptpMessage, { kind: K }> | Silence> {
    return new Promise((resolve) => {
      if (this.ended !== undefined) return resolve(this.ended);
      const timer = setTimeout(
        () => this.settle({ kind: 'silence', detail: `no ${kind} within ${timeoutMs / 1000} s` }),
        timeoutMs,
      );
      this.wanted = kind;
      this.waiting = (message) => {
        clearTimeout(timer);
        resolve(isKind(message, kind) ? message : message.kind === 'silence' ? message : UNEXPECTED);
      };
      this.say(question);
    });
  }

  close(): void {
    this.pipe.end();
  }

  private take(message: PptpMessage): boolean {
    if (message.kind === 'echo-request')
      this.say({ kind: 'echo-reply', identifier: message.identifier, resultCode: 1, errorCode: 0 });
    else if (message.kind === this.wanted) this.settle(message);
    return true;
  }

  private finish(detail: string): void {
    this.ended ??= { kind: 'silence', detail };
    this.settle(this.ended);
  }

  private settle(message: PptpMessage | Silence): void {
    const { waiting } = this;
    this.waiting = undefined;
    this.wanted = undefined;
    waiting?.(message);
  }
}

const UNEXPECTED: Silence = { kind: 'silence', detail: 'an unexpected message' };

const isKind = <K extends PptpMessage['kind']>(
  message: PptpMessage | Silence,
  kind: K,
): message is Extract<PptpMessage, { kind: K }> => message.kind === kind;
