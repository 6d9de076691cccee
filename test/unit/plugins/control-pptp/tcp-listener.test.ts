import { connect, createServer, type Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import { TcpListener } from '../../../../plugins/control-pptp/tcp-listener.ts';

const notAborted = { aborted: false, addEventListener: (): void => undefined };
const ADDRESS = '127.0.0.1';

test('an inherited listener takes connections, with the queue that was asked for and not that of Node', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ host: ADDRESS, port: 0 }, resolve));
  const handle: { listen(backlog: number): number } = Reflect.get(server, '_handle');
  const listen = vi.spyOn(handle, 'listen');
  const listener = new TcpListener({ address: ADDRESS, port: 0, backlog: 1234, inherits: true });
  const taken = new Promise<Socket>((resolve) => {
    void listener.start({ take: resolve, evict: () => undefined, failed: () => undefined }, notAborted);
  });
  expect(listener.listening).toBeUndefined();
  listener.inherit(server);
  expect(listen.mock.calls).toEqual([[1234]]);
  expect(listen).toHaveReturnedWith(0);
  const client = connect({ host: ADDRESS, port: listener.listening?.port ?? 0 });
  const socket = await taken;
  socket.destroy();
  client.destroy();
  await listener.stop();
});
