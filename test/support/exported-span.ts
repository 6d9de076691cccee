/** A span as the collector of the tests tells of it (test/interop/support/otlp-receiver.mjs). */
export interface ExportedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly name: string;
  /** OTLP's number: 1 internal, 2 server, 3 client. */
  readonly kind?: number;
  /** Code 2 is an error. */
  readonly status: { readonly code?: number; readonly message?: string };
  /** Nanoseconds since 1970. */
  readonly start: string;
  readonly end: string;
  readonly service: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly SpanEvent[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
}

export interface SpanEvent {
  readonly name: string;
  /** Nanoseconds since 1970. */
  readonly at: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** The line of a span. */
export const exportedSpan = (fields: Readonly<Record<string, unknown>>): ExportedSpan =>
  fields as unknown as ExportedSpan;

/** A span and how deep it stands in its trace; 0 is the root. */
export interface PlacedSpan {
  readonly span: ExportedSpan;
  readonly depth: number;
}

/** The spans of one trace as a tree reads: each followed by its children, by their beginnings. */
export const inOrder = (spans: readonly ExportedSpan[], root: ExportedSpan): readonly PlacedSpan[] => {
  const below = (parent: ExportedSpan, depth: number): PlacedSpan[] => [
    { span: parent, depth },
    ...spans
      .filter(({ traceId, parentSpanId }) => traceId === parent.traceId && parentSpanId === parent.spanId)
      .toSorted((a, b) => Number(BigInt(a.start) - BigInt(b.start)))
      .flatMap((child) => below(child, depth + 1)),
  ];
  return below(root, 0);
};
