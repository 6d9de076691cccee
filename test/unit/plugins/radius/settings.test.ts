import { expect, it } from 'vitest';
import {
  accountingServers,
  checkServers,
  SERVER_SETTINGS,
  type ServerOptions,
} from '../../../../plugins/radius/settings.ts';

const options: ServerOptions = {
  servers: [],
  accountingServers: [],
  sharedSecret: 'a secret of some length',
  timeout: 2,
  tries: 2,
  deadTime: 60,
  maxRequests: 256,
  maxWaiting: 1024,
  bindAddress: undefined,
  nasIdentifier: 'gw',
  nasAddress: undefined,
  nasPortType: 5,
  requireMessageAuthenticator: true,
  methods: ['pap'],
  eap: true,
  stripDomain: false,
  onReject: 'deny',
};
const server = (host: string, port = 1812, weight = 1) => ({ host, port, weight });

it('accounting goes to the hosts of the servers, to each once', () => {
  const servers = [server('a', 1812, 3), server('b'), server('a', 1645)];
  expect(accountingServers({ ...options, servers })).toEqual([server('a', 1813, 3), server('b', 1813)]);
  const own = [server('c', 1646)];
  expect(accountingServers({ ...options, servers, accountingServers: own })).toEqual(own);
});

it('says which settings do not go together', () => {
  expect(checkServers({ ...options, servers: [server('a')] })).toEqual([]);
  expect(checkServers(options)).toHaveLength(1);
  expect(checkServers({ ...options, servers: [server('a'), server('a')] })).toEqual([
    '`servers` names a:1812 twice: give it a weight instead',
  ]);
  expect(checkServers({ ...options, servers: [server('a')], methods: [], eap: false })).toHaveLength(1);
  expect(Object.keys(SERVER_SETTINGS).sort()).toEqual(Object.keys(options).sort());
});
