import { describe, expect, it } from 'vitest';
import type { AuthMethod } from '../../core/ports/auth.ts';
import { chapMd5Method } from '../../plugins/auth-chap-md5/index.ts';
import { msChapV1Method } from '../../plugins/auth-ms-chap-v1/index.ts';
import { msChapV2Method } from '../../plugins/auth-ms-chap-v2/index.ts';
import { papMethod } from '../../plugins/auth-pap/index.ts';
import { type DialOptions, GatewayLab, type LabOptions } from '../support/gateway-lab.ts';

const EVERY = 'ms-chap-v2,ms-chap-v1,chap-md5,pap';

const start = (env: Readonly<Record<string, string>>, options: Omit<LabOptions, 'env'> = {}): Promise<GatewayLab> =>
  GatewayLab.start({ ...options, env: { PPTP_AUTH_METHODS: EVERY, PPTP_MPPE_STRENGTHS: '128,56,40', ...env } });

/** What the gateway's log says of tunnels that came up. */
const ups = (lab: GatewayLab) =>
  lab.log.lines.filter(({ event }) => event === 'session.up').map(({ fields }) => fields);

describe('our client calls our gateway', () => {
  it.each<[string, AuthMethod, DialOptions['link'], string, string]>([
    ['PAP, no encryption', papMethod(), { encryption: 'disabled' }, 'disabled', 'none'],
    ['CHAP-MD5, no encryption', chapMd5Method(), { encryption: 'disabled' }, 'permitted', 'none'],
    ['MS-CHAPv1, no encryption', msChapV1Method(), { encryption: 'disabled' }, 'permitted', 'none'],
    ['MS-CHAPv1, 128 bits', msChapV1Method(), { mppeStrengths: [128, 56, 40] }, 'required', 'MPPE 128 stateless'],
    ['MS-CHAPv2, no encryption', msChapV2Method(), { encryption: 'disabled' }, 'preferred', 'none'],
    ['MS-CHAPv2, 128 bits', msChapV2Method(), { mppeStrengths: [128, 56, 40] }, 'required', 'MPPE 128 stateless'],
    ['MS-CHAPv2, 56 bits', msChapV2Method(), { mppeStrengths: [56] }, 'required', 'MPPE 56 stateless'],
    ['MS-CHAPv2, 40 bits', msChapV2Method(), { mppeStrengths: [40] }, 'required', 'MPPE 40 stateless'],
  ])('%s', async (_what, method, link, policy, encryption) => {
    const lab = await start({ PPTP_MPPE: policy });
    await lab.connect({ method, ...(link === undefined ? {} : { link }) });
    expect(ups(lab)).toMatchObject([{ user: 'alice', encryption }]);
    await lab.stop();
  });

  it.each([msChapV1Method(), msChapV2Method()])('$name: changes an expired password on the way in', async (method) => {
    const users = { alice: { password: 'wonderland', expired: true } };
    const lab = await start({}, { users });
    await lab.connect({ method, link: { newPassword: 'looking-glass' } });
    expect(ups(lab)).toMatchObject([{ user: 'alice', encryption: 'MPPE 128 stateless' }]);
    // From now on only the new one opens.
    await lab.connect({ method, password: 'looking-glass' });
    const refused = await lab.dial({ method, password: 'wonderland' });
    await lab.clock.advance(1_000);
    expect(refused.peer.network).toBeUndefined();
    expect(ups(lab)).toHaveLength(2);
    await lab.stop();
  });

  it.each([papMethod(), chapMd5Method()])('required encryption: $name alone is refused', async (method) => {
    const lab = await start({});
    const { peer } = await lab.dial({ method, link: { encryption: 'permitted' } });
    await lab.clock.advance(10_000);
    expect(peer.network).toBeUndefined();
    const closed = lab.log.lines.filter(({ event }) => event === 'session.closed');
    expect(closed.map(({ fields }) => fields)).toMatchObject([
      { reason: 'encryption-required', detail: expect.stringContaining(`${method.name} yields no keys`) },
    ]);
    await lab.stop();
  });
});
