import { beforeAll, expect, test } from 'vitest';
import { describeWithLab } from './support/describe-lab.ts';
import { GATEWAY } from './support/gateway-contract.ts';
import { ADDRESSES } from './support/topology.ts';

interface Findings {
  readonly findings: readonly { readonly check: string; readonly severity: string; readonly message: string }[];
}

await describeWithLab('our doctor calls poptop', (lab) => {
  beforeAll(() => lab().poptop('alice', 'wonderland'));

  test('which answers, takes the call and passes GRE both ways', async () => {
    const command = `${process.execPath} ${GATEWAY.entry} doctor --json --peer ${ADDRESSES.poptop}`;
    const { output } = await lab().inClient(command);
    const { findings }: Findings = JSON.parse(output);
    expect(findings.filter(({ check }) => check === 'peer').map(({ message }) => message)).toEqual([
      expect.stringMatching(/^198\.51\.100\.2 speaks PPTP \(host name ".*"\) and takes calls\.$/),
      expect.stringMatching(/^GRE passes both ways between here and 198\.51\.100\.2 \(\d+ ms\)\.$/),
    ]);
  });
});
