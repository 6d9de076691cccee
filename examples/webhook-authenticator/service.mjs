// The other side: a directory with one user, to try the plug-in with. `node service.mjs 8080 SECRET`
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const [port = '8080', secret = ''] = process.argv.slice(2);
/** NT hashes; this one is of "clientPass". */
const people = { dora: { ntHash: '44ebba8d5312b8d611474411f56989ae', address: '10.78.0.77' } };

const sign = (...parts) => createHmac('sha256', secret).update(parts.join('\n')).digest('hex');
const same = (a, b) => Buffer.byteLength(a) === Buffer.byteLength(b) && timingSafeEqual(Buffer.from(a), Buffer.from(b));

const serve = async (request, response) => {
  let body = '';
  for await (const part of request.setEncoding('utf8')) {
    body += part;
    if (body.length > 4096) return request.destroy();
  }
  if (!same(sign('question', body), String(request.headers['x-signature']))) return response.writeHead(401).end();
  const { user, nonce } = JSON.parse(body);
  const person = Object.hasOwn(people, user) ? people[user] : undefined;
  const text = JSON.stringify(person ?? {});
  response.writeHead(person ? 200 : 404, { 'x-signature': sign('answer', nonce, text) }).end(text);
};

// Who breaks off in the middle of a question gets no answer.
createServer((request, response) => serve(request, response).catch(() => response.destroy())).listen(
  Number(port),
  '127.0.0.1',
  () => console.log('ready'),
);
