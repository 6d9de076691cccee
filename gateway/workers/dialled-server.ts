import { type Ask, isNothing } from './ask.ts';

/** Worker 0 says which IPv4 address the gateway of the other site has, each time before it dials it. */
export const DIALLED_SERVER: Ask<number, undefined> = {
  name: 'dialled-server',
  isBody: (value): value is number =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32,
  isAnswer: isNothing,
};
