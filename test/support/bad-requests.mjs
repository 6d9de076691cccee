// Requests that the admin API must refuse: node bad-requests.mjs SERVER PORT COUNT. Prints one line of JSON: how many were
// answered with which status; 0 is a connection that was closed without an answer.
import { connect } from 'node:net';

const [, , host, portText, countText] = process.argv;
const [port, count] = [Number(portText), Number(countText)];

const request = (line, headers = '', body = '') =>
  `${line} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n${headers}\r\n${body}`;
const BAD = [
  request('GET /v1/sessions'),
  request('GET /v1/sessions', 'Authorization: Bearer wrong\r\n'),
  request('GET /v1/sessions', `Authorization: Bearer ${'x'.repeat(4000)}\r\n`),
  request(
    'POST /v1/drain',
    'Authorization: Basic YTpi\r\nContent-Type: application/json\r\nContent-Length: 2\r\n',
    '{}',
  ),
  request('DELETE /v1/sessions/1', 'Authorization: Bearer\r\n'),
  request('GET /v1/no-such-thing', 'Authorization: Bearer wrong\r\n'),
  request('GET /../../etc/passwd'),
  request('GET /%2e%2e/%00', 'Authorization: Bearer wrong\r\n'),
  request('PUT /v1/log-level', 'Content-Type: application/json\r\nContent-Length: 100000000\r\n', '{'),
  request('TRACE /v1/sessions'),
  'GET /v1/sessions\r\n\r\n',
  '\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03 no TLS here',
  request('GET /v1/sessions', `X-Long: ${'y'.repeat(40_000)}\r\n`),
  request('POST /v1/reload', 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n'),
];

const statuses = {};
let next = 0;
const one = (text) =>
  new Promise((resolve) => {
    const socket = connect(port, host, () => socket.write(text));
    let answer = '';
    socket.on('data', (chunk) => {
      if (answer.length < 100) answer += chunk.toString('latin1');
      // What waits for the rest of a body has its answer, too.
      if (answer.length > 12) socket.end();
    });
    socket.setTimeout(2_000, () => socket.destroy());
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
      statuses[status] = (statuses[status] ?? 0) + 1;
      resolve();
    });
  });
await Promise.all(
  Array.from({ length: 16 }, async () => {
    while (next < count) {
      next += 1;
      await one(BAD[next % BAD.length]);
    }
  }),
);
console.log(JSON.stringify(statuses));
