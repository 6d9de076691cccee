/** Where a trace can be looked at, from what the gateway says: a URL with `{traceId}` in it. Undefined: nowhere. */
export const traceLink = (template: string | null | undefined, traceId: string): string | undefined => {
  if (template === null || template === undefined || !/^https?:\/\//i.test(template)) return undefined;
  if (!/^[0-9a-f]{32}$/i.test(traceId)) return undefined;
  return template.includes('{traceId}') ? template.replaceAll('{traceId}', traceId) : undefined;
};
