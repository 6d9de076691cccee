import assert from 'node:assert/strict';
import { after, before, describe, it, mock } from 'node:test';
import { formatIpv4 } from 'pptp-gateway/core';
import { TestGateway } from 'pptp-gateway/testing';
import plugin from '../src/index.ts';
import { answerTo, SECRET } from './service.ts';

/** A whole gateway in memory, in virtual time: so the directory must answer without the network. */
describe('a gateway with this plug-in', () => {
  let gateway: TestGateway;
  before(async () => {
    mock.method(globalThis, 'fetch', async (_url: string, { body }: { body: string }) => {
      const { status, signature, text } = answerTo(body);
      return new Response(text, { status, headers: { 'x-signature': signature } });
    });
    gateway = await TestGateway.start({
      plugins: [plugin],
      env: {
        PPTP_ACME_WEBHOOK_URL: 'http://127.0.0.1:1/',
        PPTP_ACME_WEBHOOK_SECRET: SECRET,
        PPTP_POOL: '10.99.0.0/24',
      },
      users: { bob: { password: 'builder' } },
    });
  });
  after(async () => {
    await gateway.stop();
    mock.restoreAll();
  });

  it('lets a user of the directory in, with the address of the directory and with encryption', async () => {
    const client = await gateway.connect({ user: 'alice', password: 'wonderland' });
    assert.deepEqual([formatIpv4(client.address), client.encryption], ['10.99.0.7', 'MPPE 128 stateless']);
    assert(await client.ping());
  });

  it('turns a wrong password away, and asks the user file about others', async () => {
    const wrong = await gateway.dial({ user: 'alice', password: 'guess' });
    assert.equal(wrong.address, undefined);
    assert.match(wrong.failure ?? '', /wrong user name or password/);
    await gateway.connect({ user: 'bob', password: 'builder' });
  });

  it('writes no secret into the log', () => {
    const log = JSON.stringify(gateway.log.lines);
    for (const secret of [SECRET, 'wonderland', 'guess']) assert(!log.includes(secret));
  });
});
