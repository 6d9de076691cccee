// One end of a TCP transfer, as a process of its own: `serve ADDRESS PORT`, or `up|down ADDRESS PORT SECONDS`, which
// prints one line of JSON. The octets are counted where they arrive.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

const CHUNK = Buffer.alloc(256 * 1024, 0x42);
const [verb = '', host = '', port = '', seconds = ''] = process.argv.slice(2);

/** Octets that arrived and the time from the first to the last of them. */
class Meter {
  private octets = 0;
  private first = 0;
  private last = 0;

  count(chunk: Uint8Array): void {
    this.last = performance.now();
    if (this.octets === 0) this.first = this.last;
    this.octets += chunk.length;
  }

  toJSON(): { readonly octets: number; readonly seconds: number } {
    return { octets: this.octets, seconds: (this.last - this.first) / 1000 };
  }
}

/** Writes as fast as the connection takes it, until `enough`; then `done`. */
const pour = (socket: Socket, enough: () => boolean, done: () => void): void => {
  const pump = (): void => {
    while (socket.writable && !enough()) if (!socket.write(CHUNK)) return;
    socket.off('drain', pump);
    done();
  };
  socket.on('drain', pump);
  pump();
};

const serve = (): void => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const meter = new Meter();
    socket.on('error', () => undefined);
    socket.once('data', (first) => {
      if (first[0] === 'D'.charCodeAt(0)) {
        pour(
          socket,
          () => false,
          () => undefined,
        );
        return;
      }
      socket.on('data', (chunk) => meter.count(chunk));
      // The client waits for this, so that the letter is not counted with what follows it.
      socket.write('ready');
      socket.on('end', () => socket.end(JSON.stringify(meter)));
    });
  });
  server.listen(Number(port), host, () => console.log('{"event":"listening"}'));
  process.once('SIGTERM', () => process.exit(0));
};

const transfer = async (): Promise<void> => {
  const socket = connect({ host, port: Number(port), allowHalfOpen: true });
  await once(socket, 'connect');
  if (verb === 'down') {
    const meter = new Meter();
    socket.on('data', (chunk) => meter.count(chunk));
    socket.write('D');
    await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
    socket.destroy();
    console.log(JSON.stringify(meter));
    return;
  }
  socket.write('U');
  await once(socket, 'data');
  const deadline = performance.now() + Number(seconds) * 1000;
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString();
  });
  pour(
    socket,
    () => performance.now() >= deadline,
    () => socket.end(),
  );
  await once(socket, 'end');
  console.log(answer);
};

if (verb === 'serve') serve();
else await transfer();
