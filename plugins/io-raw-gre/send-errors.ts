/**
 * What a failed sendto means. raw-socket throws the C library's text and no code; both the glibc and the musl text of
 * each are here. Anything unknown counts as one refused packet, never as the end of the socket.
 */
export type SendFailure = 'would-block' | 'too-big' | 'refused';

const WOULD_BLOCK = new Set(['Resource temporarily unavailable', 'Operation would block']);
const TOO_BIG = new Set(['Message too long', 'Message too large']);

export const sendFailure = (message: string): SendFailure => {
  if (WOULD_BLOCK.has(message)) return 'would-block';
  return TOO_BIG.has(message) ? 'too-big' : 'refused';
};

export const isWouldBlock = (message: string): boolean => WOULD_BLOCK.has(message);

export const isNotPermitted = (message: string): boolean =>
  message === 'Operation not permitted' || message === 'Permission denied';

export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
