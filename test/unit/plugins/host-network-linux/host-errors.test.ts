import { describe, expect, it } from 'vitest';
import { isGone } from '../../../../plugins/host-network-linux/host-errors.ts';

describe('what is gone already', () => {
  it.each([
    'RTNETLINK answers: No such process',
    'Cannot find device "pptp0"',
    // The device went between the look-up of its name and the request.
    'Error: ipv4: Device not found.',
    'RTNETLINK answers: Cannot assign requested address',
    'Error: ipv4: Address not found.',
    'RTNETLINK answers: No such device',
  ])('counts as taken back: %s', (stderr) => {
    expect(isGone({ code: 2, stdout: '', stderr, missing: false })).toBe(true);
  });

  it('other failures do not', () => {
    expect(isGone({ code: 2, stdout: '', stderr: 'RTNETLINK answers: Operation not permitted', missing: false })).toBe(
      false,
    );
  });
});
