import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sign } from '../src/signature.ts';

export const SECRET = 'between the two of us';
export const ALICE = { userName: 'alice', password: 'wonderland' };
/** NtPasswordHash("wonderland"), as a directory would have it. */
export const ALICE_HASH = '3e057cd123205aa168af5f121716b335';

/** What the directory does with a question. */
export type Mode = 'works' | 'silent' | 'broken' | 'forged';

/** One question and its answer, without HTTP. */
export const answerTo = (body: string, mode: Mode = 'works'): { status: number; signature: string; text: string } => {
  const { user, nonce } = JSON.parse(body) as { user: string; nonce: string };
  const text = JSON.stringify(user === 'alice' ? { ntHash: ALICE_HASH, address: '10.99.0.7' } : {});
  const secret = mode === 'forged' ? 'a guess' : SECRET;
  return { status: user === 'alice' ? 200 : 404, signature: sign(secret, 'answer', nonce, text), text };
};

/** A directory on this host. */
export class TestService {
  mode: Mode = 'works';
  asked = 0;
  private readonly server: Server;

  private constructor() {
    this.server = createServer(async (request, response) => {
      let body = '';
      for await (const part of request) body += String(part);
      this.asked += 1;
      if (this.mode === 'silent') return;
      if (this.mode === 'broken') {
        response.destroy();
        return;
      }
      const { status, signature, text } = answerTo(body, this.mode);
      response.writeHead(status, { 'x-signature': signature }).end(text);
    });
  }

  static async start(): Promise<TestService> {
    const service = new TestService();
    service.server.listen(0, '127.0.0.1');
    await once(service.server, 'listening');
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
