/** The fields of a line of JSON; none of any other line. */
export const jsonLine = (line: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
};

/** Takes the line that tells of this event. */
export const said = (event: string) => (line: string) => {
  const fields = jsonLine(line);
  return fields['event'] === event ? fields : undefined;
};
