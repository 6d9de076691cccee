import type { ServerResponse } from 'node:http';

/** Between two looks, while anybody is answered. */
const LOOK_MS = 1000;

/** Who was let in by a token. */
export interface TokenHolder {
  /** The token is not one of the gateway any more, or is of another role. Asked often. */
  isOutdated(): boolean;
}

/** Answers that go on, such as streams and captures: one ends with the token that it was asked for with. */
export class OngoingAnswers {
  readonly #answers = new Map<ServerResponse, TokenHolder>();
  #timer: NodeJS.Timeout | undefined;

  watch(response: ServerResponse, holder: TokenHolder): void {
    this.#answers.set(response, holder);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
    response.once('close', () => {
      this.#answers.delete(response);
      if (this.#answers.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    });
  }

  #look(): void {
    for (const [response, holder] of this.#answers) {
      // What has not begun yet is the answer to who has changed the tokens, for instance.
      if (response.headersSent && holder.isOutdated()) response.destroy();
    }
  }
}
