import { expect, it } from 'vitest';
import { toHex } from '../../../../core/bytes/hex.ts';
import { CountedIvs } from '../../../../plugins/ipsec-esp/counted-ivs.ts';

const AT = Date.UTC(2026, 0);

const take = (ivs: CountedIvs): string => {
  const b = new Uint8Array(8);
  ivs.write(b, 0);
  return toHex(b);
};
const number = (ivs: CountedIvs): bigint => BigInt(`0x${take(ivs)}`);

it('differ between workers and starts, and carry over', () => {
  const first = new CountedIvs(1, AT);
  expect([take(first), take(first)]).toEqual([
    expect.stringMatching(/^01.*0000$/),
    expect.stringMatching(/^01.*0001$/),
  ]);
  expect(take(new CountedIvs(2, AT))).not.toBe(take(new CountedIvs(1, AT)));
  expect(number(new CountedIvs(1, AT + 1)) - number(new CountedIvs(1, AT))).toBe(65_536n);
  const full = new CountedIvs(0, 1_577_836_800_000 + 65_535);
  const low = number(full);
  for (let i = 0; i < 65_535; i += 1) take(full);
  expect(number(full) - low).toBe(65_536n);
});

it('go on in another process, whatever its clock says', () => {
  const before = new CountedIvs(1, AT);
  const last = number(before);
  for (const startedAt of [AT - 1_000_000, AT + 1_000_000]) {
    const next = new CountedIvs(1, startedAt);
    next.restore(before.snapshot());
    expect(number(next)).toBe(last + 1n);
  }
});

it('pass over what a process can have used that did not take over, also where the clock was set back', () => {
  const before = new CountedIvs(1, AT);
  const last = number(before);
  const other = new CountedIvs(1, AT);
  other.restore(before.snapshot());
  for (let i = 0; i < 1_000; i += 1) take(other);
  const used = number(other);
  before.passOver(AT + 2_000);
  expect(number(before)).toBe(last + 131_072_000n);
  const back = new CountedIvs(1, AT);
  take(back);
  back.passOver(AT - 1_000_000);
  expect(number(back)).toBeGreaterThan(used + 16_000_000n);
});

it('pass it over also where the clock is just ahead of what they have come to', () => {
  const before = new CountedIvs(1, AT);
  const state = before.snapshot();
  const other = new CountedIvs(1, AT);
  // The clock was set back once: it comes to the same moments again.
  before.restore({ ...state, low: state.low - 6 });
  other.restore(before.snapshot());
  const used = Array.from({ length: 1_000 }, () => take(other));
  before.passOver(AT);
  expect(used).not.toContain(take(before));
  expect(number(before)).toBeGreaterThan(number(other));
});
