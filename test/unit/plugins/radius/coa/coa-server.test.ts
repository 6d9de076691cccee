import type { Socket } from 'node:dgram';
import { expect, test } from 'vitest';
import { ipv4 } from '../../../../../core/bytes/ipv4-address.ts';
import { CoaServer } from '../../../../../plugins/radius/coa/index.ts';
import { CODE } from '../../../../../plugins/radius/wire/index.ts';
import { facts } from '../../../../support/accounting-rig.ts';
import { CoaRig, is } from '../../../../support/coa-rig.ts';

test('a request from port 0, where no answer can go, is left alone', async () => {
  const rig = new CoaRig();
  rig.directory.sessions.push(facts('s1'));
  const server = new CoaServer({ address: ipv4(0x7f000001), port: 0 }, rig.service, rig.log, rig.clock);
  await server.start();
  try {
    const socket: Socket = Reflect.get(server, 'socket');
    const bytes = rig.sealed(CODE.disconnectRequest, [is.session('s1')]);
    // A raw socket of somebody who has recorded a request can do this; an error would end the process.
    socket.emit('message', bytes, { address: '192.0.2.1', port: 0, family: 'IPv4', size: bytes.length });
    await new Promise((resolve) => setImmediate(resolve));
    expect(rig.directory.ended).toEqual([]);
  } finally {
    await server.stop();
  }
});
