// Takes OTLP over HTTP as JSON on 127.0.0.1:4318 and prints each span, log record and metric as one JSON line: the
// collector of the tests. With OTLP_BODIES=1 every request is printed as it came, too.
import { createServer } from 'node:http';

const say = (fields) => process.stdout.write(`${JSON.stringify(fields)}\n`);
const value = ({ stringValue, intValue, boolValue, doubleValue }) =>
  stringValue ?? intValue ?? boolValue ?? doubleValue;
const flat = (attributes = []) => Object.fromEntries(attributes.map(({ key, value: one }) => [key, value(one)]));
const serviceOf = (resource) => flat(resource?.attributes)['service.name'];

const saySpan = (span, service) => {
  const { traceId, spanId, parentSpanId = '', name, kind, status } = span;
  const { startTimeUnixNano: start, endTimeUnixNano: end } = span;
  const attributes = flat(span.attributes);
  const events = (span.events ?? []).map(({ name: event, timeUnixNano: at, attributes: about }) => ({
    name: event,
    at,
    attributes: flat(about),
  }));
  const links = (span.links ?? []).map(({ traceId: trace, spanId: to }) => ({ traceId: trace, spanId: to }));
  const ids = { traceId, spanId, parentSpanId };
  say({ event: 'span', ...ids, name, kind, status, start, end, service, attributes, events, links });
};

const sayRecord = (record, service) => {
  const { traceId = '', spanId = '', severityText: severity, eventName: name = '', body = {} } = record;
  const attributes = flat(record.attributes);
  say({ event: 'record', name, severity, body: value(body), traceId, spanId, service, attributes });
};

const sayMetric = ({ name, unit, sum, gauge, histogram }, service) => {
  const kind = sum ? 'sum' : gauge ? 'gauge' : 'histogram';
  const points = ((sum ?? gauge ?? histogram)?.dataPoints ?? []).map((point) => ({
    value: Number(point.asInt ?? point.asDouble ?? point.count),
    attributes: flat(point.attributes),
  }));
  say({ event: 'metric', name, unit, kind, points, service });
};

const sayAll = ({ resourceSpans = [], resourceLogs = [], resourceMetrics = [] }) => {
  for (const { resource, scopeSpans } of resourceSpans) {
    for (const span of scopeSpans.flatMap(({ spans }) => spans)) saySpan(span, serviceOf(resource));
  }
  for (const { resource, scopeLogs } of resourceLogs) {
    for (const record of scopeLogs.flatMap(({ logRecords }) => logRecords)) sayRecord(record, serviceOf(resource));
  }
  for (const { resource, scopeMetrics } of resourceMetrics) {
    for (const metric of scopeMetrics.flatMap(({ metrics }) => metrics)) sayMetric(metric, serviceOf(resource));
  }
};

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  response.setHeader('content-type', 'application/json').end('{}');
  const body = Buffer.concat(chunks).toString();
  if (process.env.OTLP_BODIES === '1') say({ event: 'body', path: request.url, body });
  sayAll(JSON.parse(body));
});
server.listen(4318, '127.0.0.1', () => say({ event: 'otlp.ready' }));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
