import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadPlugins } from '../../gateway/plugin-loader.ts';
import { GatewayLab } from '../../testing/lab/gateway-lab.ts';

test('plug-ins keep their files in the folder of the gateway', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'pptp-state-'));
  const plugins = await loadPlugins(['radius'], {
    radius: { accountingServers: ['192.0.2.5'], sharedSecret: 'secret', accountingOnOff: false },
  });
  const lab = await GatewayLab.start({ env: { PPTP_STATE_DIR: stateDir }, plugins });
  await lab.gateway.stop();
  expect(readdirSync(join(stateDir, 'radius'))).toEqual(['accounting-0.spool']);
});
