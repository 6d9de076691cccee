/** Log lines for people at a terminal: `08:30:00.123 INFO  call.up  the call is up  peer=192.0.2.7`. */

const COLOURS: Readonly<Record<string, string>> = { debug: '2', info: '32', warn: '33', error: '31' };

/** Peer-supplied text may hold escape sequences: everything but plain printable words is quoted and escaped. */
const isPlain = (text: string): boolean => /^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(text) && !/["=]/.test(text);
const escapeControls = (text: string): string =>
  text.replace(/[\p{C}]/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);

const showValue = (value: unknown): string => {
  if (typeof value === 'string') return isPlain(value) ? value : escapeControls(JSON.stringify(value));
  return escapeControls(JSON.stringify(value) ?? 'undefined');
};

/** One JSON log line as one line for people; a line that is not ours comes back as it is. */
export const prettyLine = (json: string, colour: boolean): string => {
  let entry: unknown;
  try {
    entry = JSON.parse(json);
  } catch {
    return json;
  }
  if (typeof entry !== 'object' || entry === null) return json;
  const { time, level, event, msg, ...fields } = { time: '', level: '', event: '', msg: '', ...entry };
  const label = String(level).toUpperCase().padEnd(5);
  const shownLevel = colour ? `\u001b[${COLOURS[String(level)] ?? '0'}m${label}\u001b[0m` : label;
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${showValue(value)}`);
  const head = [String(time).slice(11, 23), shownLevel, String(event), escapeControls(String(msg))].join(' ');
  return `${[head, ...pairs].join('  ').trimEnd()}\n`;
};
