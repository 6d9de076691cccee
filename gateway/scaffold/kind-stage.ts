import type { ScaffoldKind } from './kinds.ts';

/** Stands in the pipeline, and sees each packet. */
export const stageKind: ScaffoldKind = {
  about: 'a stage of the pipeline: it sees each inner IP packet, and may drop or change it',
  env: { PORTS: '23' },
  source: (
    n,
  ) => `import { definePlugin, kinds, PLUGIN_API, perPacket, STAGE_SLOT, type Stage, TOKENS } from 'pptp-gateway/core';

const IPV4 = 4;
const TCP = 6;

/** The TCP port that an IPv4 packet goes to; undefined for all others. Any octets may come. */
const tcpPort = (packet: Uint8Array): number | undefined => {
  const [first = 0, fragment] = [packet[0], (((packet[6] ?? 0) & 0x1f) << 8) | (packet[7] ?? 0)];
  const header = (first & 15) * 4;
  if (first >> 4 !== IPV4 || packet[9] !== TCP || fragment !== 0 || packet.length < header + 4) return undefined;
  return ((packet[header + 2] ?? 0) << 8) | (packet[header + 3] ?? 0);
};

/** Drops what clients send to these ports. Between decryption and the check of the source address. */
export const ${camel(n.class)} = (ports: readonly number[]): Stage => ({
  name: '${n.plugin}',
  slot: STAGE_SLOT.address - 10,
  inbound: perPacket(({ bytes }) => {
    const port = tcpPort(bytes);
    return port !== undefined && ports.includes(port) ? 'policy' : undefined;
  }),
});

export default definePlugin({
  name: '${n.plugin}',
  api: PLUGIN_API,
  settings: {
    ports: { kind: kinds.list(kinds.integer(1, 65_535), 64, 1), doc: 'TCP ports that clients may not reach.' },
  },
  register({ bind }, { ports }) {
    bind(TOKENS.Stage).toConstantValue(${camel(n.class)}(ports));
  },
});
`,
  test: (n) => `import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { INTRANET_HOST, portsPacket, runContract, stageContract, TestGateway } from 'pptp-gateway/testing';
import plugin, { ${camel(n.class)} } from '../src/index.js';

runContract(
  stageContract('${n.plugin}', () => ({ stage: ${camel(n.class)}([23]) })),
  { describe, it },
);

describe('${n.plugin} in a gateway', () => {
  it('drops what goes to its ports, and nothing else', async () => {
    const gateway = await TestGateway.start({ plugins: [plugin], env: { ${n.prefix}PORTS: '23' } });
    const client = await gateway.connect();
    const ends = { source: client.address, destination: INTRANET_HOST, sourcePort: 40_000 };
    const [telnet, web] = [23, 80].map((destinationPort) => portsPacket('tcp', { ...ends, destinationPort }));
    assert.ok(telnet && web);
    await client.send(telnet);
    await client.send(web);
    assert.deepEqual(gateway.hostReceives(), [web]);
    assert.equal(gateway.telemetry.drops.get('${n.plugin} in policy'), 1);
    await gateway.stop();
  });
});
`,
};

const camel = (name: string): string => `${name.slice(0, 1).toLowerCase()}${name.slice(1)}Stage`;
