import type { Direction } from '../../../core/outcome.ts';
import type { SteadyStream } from './steady-stream.ts';

const heapUsed = (): number => process.memoryUsage().heapUsed;

/** What looking at the heap itself takes of it. */
const ofLooking = (): number => {
  const before = heapUsed();
  return heapUsed() - before;
};

/**
 * Octets of heap per packet that one `deliver` took. Undefined when that cannot be said, because the heap was cleaned
 * meanwhile and is smaller than before.
 */
export const allocatedPerPacket = (stream: SteadyStream, direction: Direction): number | undefined => {
  stream.prepare(direction);
  const arrived = stream.arrived(direction);
  const looking = ofLooking();
  const before = heapUsed();
  stream.deliver(direction);
  const octets = heapUsed() - before - looking;
  const lost = arrived + stream.size - stream.arrived(direction);
  if (lost !== 0) throw new Error(`${lost} of ${stream.size} packets were lost on the way`);
  return octets < 0 ? undefined : octets / stream.size;
};
