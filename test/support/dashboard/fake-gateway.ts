import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { LifeView } from '../../../gateway/admin/api/life.ts';
import type { Role } from '../../../gateway/admin/api/roles.ts';
import { FakeSessions } from './fake-sessions.ts';
import { fakeHistory, fakeStats } from './fake-stats.ts';
import { SECURITY_POLICY, staticFile } from './static-files.ts';

const TICK_MS = 1000;

const READY: LifeView = {
  phase: 'ready',
  since: new Date().toISOString(),
  sessions: 0,
  deadline: null,
  thenStop: false,
  by: null,
};

const LOCKS = [{ what: 'user-and-source', user: 'mallory', source: '192.0.2.66', until: '2099-01-01T00:00:00Z' }];
const AUDIT = [
  {
    at: '2026-11-22T20:00:00Z',
    action: 'user.add',
    actor: 'root',
    role: 'admin',
    from: 'socket',
    outcome: 'done',
    target: { name: 'carol' },
    detail: null,
  },
];
const CONFIG = [
  { key: 'port', env: 'PPTP_PORT', value: '1723', origin: 'default', reload: false },
  { key: 'log.level', env: 'PPTP_LOG_LEVEL', value: 'debug', origin: 'environment PPTP_LOG_LEVEL', reload: true },
];

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly pathname: string;
  readonly searchParams: URLSearchParams;
  readonly body: string;
  readonly authorization: string | undefined;
}

type Reply =
  | { readonly status: number; readonly body: object }
  | { readonly event: string; readonly value: () => object };

const ok = (body: object): Reply => ({ status: 200, body });
const refusal = (status: number, code: string, message: string): Reply => ({ status, body: { code, message } });

const TRACES = 'https://traces.example/trace/{traceId}';
const DRAIN_MS = 300_000;

/** Speaks the part of the admin API that the dashboard uses, with as many sessions as wanted and any number of refusals. */
export class FakeGateway {
  readonly sessions: FakeSessions;
  readonly asked: { readonly method: string; readonly path: string; readonly body: string }[] = [];
  tokens: Readonly<Record<string, Role>>;
  version = '1.0.0';
  /** Streams that are read now. */
  streams = 0;
  /** Requests for these paths wait in `held` for somebody to let them go on. */
  hold: RegExp | undefined;
  readonly held: (() => void)[] = [];
  private readonly size: number;
  private readonly files: string;
  private readonly begun = Date.now();
  private server: Server | undefined;
  private life = READY;
  /** Status of all answers of the API; undefined: as it is. */
  refuseWith: number | undefined;

  constructor(options: {
    readonly sessions: number;
    readonly files: string;
    readonly tokens: Readonly<Record<string, Role>>;
  }) {
    this.size = options.sessions;
    this.sessions = new FakeSessions(options.sessions);
    this.files = options.files;
    this.tokens = options.tokens;
  }

  /** Returns its address. */
  async listen(port = 0): Promise<string> {
    const server = createServer((request, response) => {
      this.answer(request, response).catch((error: unknown) => {
        // Who asked has gone meanwhile.
        if (!request.destroyed) throw error;
      });
    });
    this.server = server;
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const { pathname, searchParams } = new URL(url, 'http://gateway');
    if (!pathname.startsWith('/v1/')) {
      this.file(pathname, response);
      return;
    }
    if (this.hold?.test(pathname)) await new Promise<void>((resolve) => this.held.push(resolve));
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const reply = this.reply({
      method,
      url,
      pathname,
      searchParams,
      body,
      authorization: request.headers.authorization,
    });
    if (!('event' in reply)) {
      response.writeHead(reply.status, { 'content-type': 'application/json' }).end(JSON.stringify(reply.body));
      return;
    }
    const send = (): void => {
      response.write(`event: ${reply.event}\ndata: ${JSON.stringify(reply.value())}\n\n`);
    };
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    send();
    const timer = setInterval(send, TICK_MS);
    this.streams += 1;
    response.on('close', () => {
      this.streams -= 1;
      clearInterval(timer);
    });
  }

  private reply(asked: Asked): Reply {
    const role = this.tokens[(asked.authorization ?? '').replace('Bearer ', '')];
    if (this.refuseWith !== undefined) return refusal(this.refuseWith, 'REFUSED', 'Not now.');
    if (role === undefined) return refusal(401, 'UNAUTHORIZED', 'Who is this?');
    this.asked.push({ method: asked.method, path: asked.url, body: asked.body });
    return this.stream(asked) ?? this.change(asked) ?? this.look(asked, role);
  }

  private stream({ pathname, searchParams }: Asked): Reply | undefined {
    if (pathname === '/v1/stats/stream') {
      return { event: 'stats', value: () => fakeStats((Date.now() - this.begun) / TICK_MS, this.size) };
    }
    if (pathname === '/v1/sessions/stream') {
      return { event: 'sessions', value: () => this.sessions.page(searchParams) };
    }
    return undefined;
  }

  private change({ method, pathname, body }: Asked): Reply | undefined {
    switch (`${method} ${pathname}`) {
      case 'POST /v1/sessions/disconnect': {
        const { id }: { readonly id: string } = JSON.parse(body);
        return ok({ disconnected: this.sessions.end(id) ? [id] : [] });
      }
      case 'POST /v1/drain':
        this.life = {
          ...READY,
          phase: 'draining',
          deadline: new Date(Date.now() + DRAIN_MS).toISOString(),
          by: 'test',
        };
        return ok(this.life);
      case 'DELETE /v1/drain':
        this.life = READY;
        return ok(this.life);
      default:
        return undefined;
    }
  }

  private look({ method, pathname }: Asked, role: Role): Reply {
    switch (pathname) {
      case '/v1/gateway':
        return ok({ version: this.version, host: 'edge-1', uptimeSeconds: 93_000, role, traceLink: TRACES });
      case '/v1/stats/history':
        return ok(fakeHistory(this.size));
      case '/v1/life':
        return ok({ ...this.life, sessions: this.size });
      case '/v1/locks':
        return ok({ locks: LOCKS });
      case '/v1/audit':
        return role === 'admin' ? ok({ entries: AUDIT }) : refusal(403, 'FORBIDDEN', 'It takes the role admin.');
      case '/v1/config':
        return ok({ config: CONFIG });
      default: {
        const detail = this.sessions.detail(decodeURIComponent(pathname.replace('/v1/sessions/', '')));
        const isKnown = detail !== undefined && (method === 'GET' || method === 'PATCH');
        return isKnown ? ok(detail) : refusal(404, 'NOT_FOUND', 'There is no such thing.');
      }
    }
  }

  private file(path: string, response: ServerResponse): void {
    const file = staticFile(this.files, path);
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    response
      .writeHead(200, { 'content-type': file.type, 'content-security-policy': SECURITY_POLICY })
      .end(file.content);
  }
}
