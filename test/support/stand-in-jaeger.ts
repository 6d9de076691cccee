import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
}
interface Export {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

/** Takes traces as OTLP/HTTP with JSON and gives them back as one of Jaeger's query APIs does. */
export class StandInJaeger {
  readonly #version: 'v3' | 'v1';
  readonly #server: Server;
  readonly #spans: Span[] = [];

  constructor(version: 'v3' | 'v1') {
    this.#version = version;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** Its address, for both. */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const at = this.#server.address();
    if (at === null || typeof at === 'string') throw new Error('it does not listen');
    return `http://127.0.0.1:${at.port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const { url = '', method } = request;
    if (method === 'POST' && url === '/v1/traces') {
      const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as Export;
      this.#spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)));
      json(response, 200, {});
      return;
    }
    const [, api, traceId] = /^\/api\/(v3\/)?traces\/([0-9a-f]{32})$/.exec(url) ?? [];
    const isKnownPath = traceId !== undefined && (this.#version === 'v3') === (api !== undefined);
    const spans = this.#spans.filter((span) => span.traceId === traceId);
    if (!isKnownPath) response.setHeader('content-type', 'text/html').end('<!doctype html><title>Jaeger UI</title>');
    else if (spans.length === 0) json(response, 404, { error: { httpCode: 404, message: 'trace not found' } });
    else json(response, 200, this.#version === 'v3' ? inV3(spans) : inV1(spans));
  }
}

const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

const inV3 = (spans: readonly Span[]) => ({ result: { resourceSpans: [{ scopeSpans: [{ spans }] }] } });

const inV1 = (spans: readonly Span[]) => ({
  data: [
    {
      spans: spans.map(({ spanId: spanID, parentSpanId = '', name: operationName }) => ({
        spanID,
        operationName,
        references: parentSpanId === '' ? [] : [{ refType: 'CHILD_OF', spanID: parentSpanId }],
      })),
    },
  ],
});
