import { expect, it } from 'vitest';
import type { Direction } from '../../../core/outcome.ts';
import { allocatedPerPacket } from '../../bench/support/allocated-octets.ts';
import { SteadyStream } from '../../bench/support/steady-stream.ts';

/** One number boxed per packet takes 14 and more; what is taken per batch of 64 packets is a quarter of one octet. */
const MOST_OCTETS = 8;
/** Functions take memory until they are compiled, which others do when they have the time. */
const PATIENCE = 400;

it.each<Direction>(['in', 'out'])('the pipeline allocates nothing per packet once it is warm: %s', (direction) => {
  const stream = new SteadyStream(16, 64);
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < PATIENCE && least > MOST_OCTETS; round += 1) {
    least = Math.min(least, allocatedPerPacket(stream, direction) ?? least);
  }
  expect(least).toBeLessThanOrEqual(MOST_OCTETS);
});
