// Takes OTLP over HTTP as JSON on 127.0.0.1:4318 and prints each span as one JSON line: the collector of the trace tests.
import { createServer } from 'node:http';

const say = (fields) => process.stdout.write(`${JSON.stringify(fields)}\n`);
const value = ({ stringValue, intValue, boolValue, doubleValue }) =>
  stringValue ?? intValue ?? boolValue ?? doubleValue;
const flat = (attributes = []) => Object.fromEntries(attributes.map(({ key, value: one }) => [key, value(one)]));

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  response.setHeader('content-type', 'application/json').end('{}');
  if (request.url !== '/v1/traces') return;
  for (const { resource, scopeSpans } of JSON.parse(Buffer.concat(chunks).toString()).resourceSpans ?? []) {
    for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
      const { traceId, spanId, parentSpanId = '', name, kind, status } = span;
      const { startTimeUnixNano: start, endTimeUnixNano: end } = span;
      const events = (span.events ?? []).map(({ name: event, timeUnixNano: at, attributes }) => ({
        name: event,
        at,
        attributes: flat(attributes),
      }));
      const links = (span.links ?? []).map(({ traceId: trace, spanId: to }) => ({ traceId: trace, spanId: to }));
      const service = flat(resource?.attributes)['service.name'];
      say({
        event: 'span',
        traceId,
        spanId,
        parentSpanId,
        name,
        kind,
        status,
        start,
        end,
        service,
        attributes: flat(span.attributes),
        events,
        links,
      });
    }
  }
});
server.listen(4318, '127.0.0.1', () => say({ event: 'otlp.ready' }));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
