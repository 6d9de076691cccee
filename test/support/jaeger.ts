/** A span as Jaeger gives it back. */
export interface StoredSpan {
  readonly id: string;
  /** Undefined for a root. */
  readonly parent: string | undefined;
  readonly name: string;
}

interface V3Trace {
  readonly resourceSpans?: readonly {
    readonly scopeSpans?: readonly {
      readonly spans?: readonly { readonly spanId: string; readonly parentSpanId?: string; readonly name: string }[];
    }[];
  }[];
}
interface V1Trace {
  readonly data?: readonly {
    readonly spans?: readonly {
      readonly spanID: string;
      readonly operationName: string;
      readonly references?: readonly { readonly refType: string; readonly spanID: string }[];
    }[];
  }[];
}

/** OTLP as JSON, with or without an envelope. */
const fromV3 = (body: V3Trace & { readonly result?: V3Trace }): readonly StoredSpan[] =>
  ((body.result ?? body).resourceSpans ?? [])
    .flatMap(({ scopeSpans = [] }) => scopeSpans)
    .flatMap(({ spans = [] }) => spans)
    .map(({ spanId, parentSpanId = '', name }) => ({
      id: spanId,
      parent: parentSpanId === '' ? undefined : parentSpanId,
      name,
    }));

const fromV1 = ({ data = [] }: V1Trace): readonly StoredSpan[] =>
  data
    .flatMap(({ spans = [] }) => spans)
    .map(({ spanID, operationName, references = [] }) => ({
      id: spanID,
      parent: references.find(({ refType }) => refType === 'CHILD_OF')?.spanID,
      name: operationName,
    }));

const askFor = async <T>(url: string): Promise<T | undefined> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  const text = await response.text();
  // A Jaeger that does not know the path answers with the page of its user interface.
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return response.ok && isJson ? (JSON.parse(text) as T) : undefined;
};

/**
 * The spans of a trace, from Jaeger's query API: version 3, or version 1 of a Jaeger that is older. Empty while Jaeger
 * does not know the trace. Rejects when nobody answers.
 */
export const traceFromJaeger = async (url: string, traceId: string): Promise<readonly StoredSpan[]> => {
  const base = url.replace(/\/+$/, '');
  const v3 = await askFor<V3Trace>(`${base}/api/v3/traces/${traceId}`);
  const spans = v3 === undefined ? [] : fromV3(v3);
  if (spans.length > 0) return spans;
  const v1 = await askFor<V1Trace>(`${base}/api/traces/${traceId}`);
  return v1 === undefined ? [] : fromV1(v1);
};
