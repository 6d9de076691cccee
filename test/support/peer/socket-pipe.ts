import type { Socket } from 'node:net';
import type { BytePipe } from './byte-pipe.ts';

/** A TCP connection as a pipe. The connection must be up. */
export const socketPipe = (socket: Socket): BytePipe => ({
  write: (bytes) => {
    if (socket.writable) socket.write(bytes);
  },
  end: () => socket.end(),
  abort: () => socket.destroy(),
  read: (reader) => {
    let detail = 'The TCP connection is closed.';
    socket.setNoDelay(true);
    socket.on('data', (bytes) => reader.bytes(bytes));
    socket.on('error', (error) => {
      detail = `TCP error: ${error.message}`;
    });
    socket.on('close', () => reader.closed(detail));
  },
});
