import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DROP_REASON_TEXTS, dropReasonText } from '../../../dashboard/words/drop-reasons.ts';

it('drop reasons have the words of docs/drop-reasons.md', () => {
  const page = readFileSync('docs/drop-reasons.md', 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (.*) \|$/gm)];
  expect(rows.length).toBeGreaterThan(15);
  expect(DROP_REASON_TEXTS).toEqual(
    Object.fromEntries(rows.map(([, reason = '', text = '']) => [reason, text.replaceAll('`', '')])),
  );
});

it('a reason of a newer gateway has no text, and does no harm', () => {
  expect(dropReasonText('toString')).toBe('no text about this reason here');
});
