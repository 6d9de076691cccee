import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { CliServices } from '../../gateway/cli/context.ts';
import type { CliTerminal } from '../../gateway/cli/terminal.ts';
import { runCli } from '../../gateway/cli.ts';
import { memoryTerminal } from './memory-terminal.ts';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
  readonly headers: IncomingMessage['headers'];
}

/** An answer in JSON, or what else becomes of the request. */
export type Answer =
  | { readonly status?: number; readonly json: unknown }
  | { readonly stream: (response: ServerResponse) => void }
  | { readonly silent: true };

export interface FakeGateway {
  readonly socket: string;
  readonly folder: string;
  /** All that it was asked, in order. */
  readonly asked: Asked[];
  /** By "GET /v1/stats", without the query. A later one stands in place of an earlier. */
  on(what: string, answer: Answer | ((asked: Asked) => Answer)): void;
  readonly listener: RequestListener;
  stop(): Promise<void>;
}

/** Speaks the admin API on a socket, as far as a test tells it what to say. */
export const fakeGateway = async (): Promise<FakeGateway> => {
  const folder = mkdtempSync(join(tmpdir(), 'pptp-fake-'));
  const socket = join(folder, 'admin.sock');
  const asked: Asked[] = [];
  const answers = new Map<string, (asked: Asked) => Answer>();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const sent = await text(request);
    const { method = '', url = '', headers } = request;
    const one: Asked = { method, url, headers, body: sent === '' ? undefined : JSON.parse(sent) };
    asked.push(one);
    const found = answers.get(`${method} ${url.split('?')[0]}`);
    const answer = found?.(one) ?? {
      status: 404,
      json: { code: 'NOT_FOUND', message: `There is no ${method} ${url}.` },
    };
    if ('silent' in answer) return;
    if ('stream' in answer) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      answer.stream(response);
      return;
    }
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' }).end(JSON.stringify(answer.json));
  };
  const listener: RequestListener = (request, response) => void serve(request, response);
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    socket,
    folder,
    asked,
    listener,
    on: (what, answer) => void answers.set(what, typeof answer === 'function' ? answer : () => answer),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true });
    },
  };
};

/** A server-sent event as it goes over the line. */
export const eventText = (event: string, data: unknown): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

export interface VerbRun {
  readonly code: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
  readonly text: string;
}

/** Runs a verb with nothing around it but this environment. */
export const runVerb = async (
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  terminal: Partial<CliTerminal> = {},
  services: Partial<CliServices> = {},
): Promise<VerbRun> => {
  const out: string[] = [];
  const err: string[] = [];
  const never = (): never => {
    throw new Error('this verb was not asked for');
  };
  const code = await runCli(argv, {
    version: '1.2.3',
    env,
    terminal: memoryTerminal({ out: (line) => out.push(line), err: (line) => err.push(line), ...terminal }),
    runGateway: never,
    dial: never,
    examine: never,
    openUsers: never,
    ...services,
  });
  return { code, out, err, text: out.join('\n') };
};
