import { Agent, request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RouteSpec } from '../../../gateway/admin/spec.ts';
import { ADMIN_SPECS } from '../../../gateway/admin/specs/index.ts';
import { type AdminRig, adminRig, RIG_TOKENS } from '../../support/admin-rig.ts';
import { eventually } from '../../support/eventually.ts';
import { GatewayLab } from '../../support/gateway-lab.ts';
import { sendRaw, talk } from '../../support/http-talk.ts';

interface Bad {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const spec = fc.constantFrom(...ADMIN_SPECS);
const asks = (wanted: (one: RouteSpec) => boolean) => fc.constantFrom(...ADMIN_SPECS.filter(wanted));
const changes = asks(({ method }) => method !== 'GET');
const guarded = asks(({ role }) => role !== null);
const fill = (url: string, word = 'x'): string => url.replaceAll(/:\w+/g, encodeURIComponent(word));
/** No name of ours begins so. */
const strangeName = fc.string({ minLength: 1, maxLength: 40 }).map((name) => `zz${name}`);
const token = { authorization: `Bearer ${RIG_TOKENS.admin}` };
const headerText = fc.stringMatching(/^[\x21-\x7e]{1,60}$/);

/** Requests that are wrong whatever the rest of them is. */
const bad: fc.Arbitrary<Bad> = fc.oneof(
  fc.tuple(spec, strangeName, fc.string()).map(([{ method, url }, name, value]) => ({
    method,
    path: `${fill(url)}?${new URLSearchParams([[name, value]])}`,
    headers: token,
  })),
  fc.tuple(changes, strangeName, fc.jsonValue()).map(([{ method, url }, name, value]) => ({
    method,
    path: fill(url),
    headers: { ...token, ...JSON_TYPE },
    body: JSON.stringify({ [name]: value }),
  })),
  fc
    .tuple(
      changes,
      fc.oneof(fc.double({ noNaN: true }), fc.array(fc.jsonValue()), fc.string({ minLength: 1 }), fc.boolean()),
    )
    .map(([{ method, url }, value]) => ({
      method,
      path: fill(url),
      headers: { ...token, ...JSON_TYPE },
      body: JSON.stringify(value),
    })),
  fc.tuple(changes, fc.string({ minLength: 1, maxLength: 200 })).map(([{ method, url }, value]) => ({
    method,
    path: fill(url),
    headers: { ...token, ...JSON_TYPE },
    body: `{${value}`,
  })),
  fc.tuple(changes, headerText).map(([{ method, url }, type]) => ({
    method,
    path: fill(url),
    headers: { ...token, 'content-type': `zz${type}` },
    body: '{}',
  })),
  fc.tuple(spec, fc.constantFrom('OPTIONS', 'TRACE', 'PROPFIND', 'MKCOL', 'LOCK')).map(([{ url }, method]) => ({
    method,
    path: fill(url),
    headers: token,
  })),
  fc
    .tuple(spec, fc.integer({ min: 257, max: 3000 }))
    .filter(([{ url }]) => url.includes(':'))
    .map(([{ method, url }, length]) => ({
      method,
      path: fill(url, 'x'.repeat(length)),
      headers: token,
    })),
  fc.tuple(guarded, fc.option(headerText)).map(([{ method, url }, word]) => ({
    method,
    path: fill(url),
    headers: word === null ? {} : { authorization: `Bearer zz${word}` },
  })),
  fc
    .tuple(fc.constantFrom('GET', 'PUT', 'POST', 'PATCH', 'DELETE'), fc.stringMatching(/^[\x21-\x7e]{0,80}$/))
    .map(([method, rest]) => ({ method, path: `/v1/zz${rest}`, headers: token })),
);

let rig: AdminRig;
/** Of this process, of both sides. */
const sockets = (): readonly string[] => process.getActiveResourcesInfo().filter((one) => one.startsWith('TCP'));
let handles: readonly string[];
const agent = new Agent({ keepAlive: true, maxSockets: 8 });

beforeAll(async () => {
  handles = sockets();
  const lab = new GatewayLab();
  rig = await adminRig({ gateway: lab.gateway, clock: lab.clock, tcp: true });
});
afterAll(async () => {
  agent.destroy();
  await rig.stop();
  await eventually(() => expect(sockets()).toEqual(handles));
});

const send = ({ method, path, headers, body }: Bad): Promise<{ readonly status: number; readonly body: string }> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(rig.url);
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const asked = httpRequest({ host: '127.0.0.1', port, agent, method, path, headers: { ...headers, ...length } });
    asked.on('error', reject);
    asked.on('response', (response) => {
      text(response).then((all) => resolve({ status: response.statusCode ?? 0, body: all }), reject);
    });
    asked.end(body);
  });

const expectRefusal = (status: number, body: string): void => {
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
  expect(JSON.parse(body)).toMatchObject({
    code: expect.stringMatching(/^[A-Z_]+$/),
    message: expect.stringMatching(/\.$/),
  });
};

const expectAlive = async (): Promise<void> => {
  expect((await talk(rig.url, '/healthz')).status).toBe(200);
  expect(rig.log.events('error')).toEqual([]);
};

describe('bad requests', { timeout: 120_000 }, () => {
  test('are refused with a code and a sentence, whatever is wrong with them', async () => {
    await fc.assert(
      fc.asyncProperty(bad, async (request) => {
        const { status, body } = await send(request);
        expectRefusal(status, body);
      }),
      { numRuns: 3000 },
    );
    await expectAlive();
  });

  const valid = fc.constantFrom(
    'GET /v1/gateway HTTP/1.1\r\nHost: a\r\n',
    'GET /v1/sessions?limit=1&sort=-user HTTP/1.1\r\nHost: a\r\n',
    'PUT /v1/log/level HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 16\r\n',
    'POST /v1/sessions/disconnect HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n',
  );
  const tail = fc.constantFrom('{"level":"info"}', '5\r\n{"id"\r\n', '');
  const whole = fc
    .tuple(valid, tail)
    .map(([head, body]) => Buffer.from(`${head}Authorization: Bearer ${RIG_TOKENS.admin}\r\n\r\n${body}`));
  /** A request with some octets changed, cut off, or said again. */
  const damaged = fc
    .tuple(
      whole,
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
      fc.option(fc.nat()),
      fc.integer({ min: 1, max: 3 }),
    )
    .map(([octets, flips, cut, times]) => {
      const copy = Buffer.from(octets);
      for (const [at, value] of flips) copy[at % copy.length] = value;
      const part = cut === null ? copy : copy.subarray(0, cut % copy.length);
      return Buffer.concat(Array.from({ length: times }, () => part));
    });
  const octets = fc.oneof(
    damaged,
    fc.uint8Array({ minLength: 1, maxLength: 4096 }).map((some) => Buffer.from(some)),
  );

  test('as any octets are answered or hung up on, and never with a fault', async () => {
    const port = Number(new URL(rig.url).port);
    await fc.assert(
      fc.asyncProperty(fc.array(octets, { minLength: 1, maxLength: 8 }), async (many) => {
        const heard = await Promise.all(many.map((one) => sendRaw(port, one, { end: true })));
        for (const answer of heard) {
          for (const [, status] of answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)) expect(Number(status)).toBeLessThan(500);
          const [head = '', body = ''] = answer.split('\r\n\r\n');
          const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0);
          const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
          if (status >= 400) expectRefusal(status, Buffer.from(body, 'latin1').subarray(0, length).toString());
        }
      }),
      { numRuns: 300 },
    );
    await expectAlive();
  });
});
