import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatIpv4 } from '../../../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../../../core/errors.ts';
import { readAssociations } from '../../../../plugins/ipsec-esp/sa-file.ts';

describe('the file of associations', () => {
  let folder: string;
  const GCM = '11'.repeat(36);
  const entry = {
    name: 'alice-files',
    user: 'alice',
    mode: 'tunnel',
    host: '10.9.0.5',
    networks: ['10.9.0.0/24'],
    algorithm: 'aes-gcm-16',
    esn: true,
    lifetime: { soft: { packets: 10 }, hard: { octets: 1000, seconds: 60 } },
    in: { spi: '0x1001', keyFile: 'gcm.key' },
    out: { spi: 8193, keyFile: 'out.key' },
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pptp-sa-'));
    await writeFile(join(folder, 'gcm.key'), `0x${GCM}\n`, { mode: 0o600 });
    await writeFile(join(folder, 'out.key'), '22'.repeat(36), { mode: 0o600 });
    await writeFile(join(folder, 'open.key'), GCM, { mode: 0o600 });
    await chmod(join(folder, 'open.key'), 0o644);
    await writeFile(join(folder, 'bad.key'), 'my secret words', { mode: 0o600 });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const read = async (content: unknown): Promise<string> => {
    const path = join(folder, 'sa.json');
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    try {
      const made = await readAssociations(path);
      return made.map(({ name, direction, spi }) => `${name} ${direction} ${spi}`).join(', ');
    } catch (cause) {
      return cause instanceof GatewayError ? `${cause.code} ${cause.message.replaceAll(folder, '')}` : `fault ${cause}`;
    }
  };

  it('gives both directions of each entry', async () => {
    expect(await read({ associations: [entry] })).toBe('alice-files in 4097, alice-files out 8193');
    const [into] = await readAssociations(join(folder, 'sa.json'));
    expect(into).toMatchObject({ owner: { identity: 'alice' }, mode: 'tunnel', esn: true, replayWindow: 64 });
    expect(into && formatIpv4(into.host)).toBe('10.9.0.5');
    expect(into?.lifetime).toEqual({ soft: { packets: 10 }, hard: { octets: 1000, seconds: 60 } });
    expect(into?.algorithm.key).toHaveLength(36);
  });

  it('says what is wrong and where, and never what a key is', async () => {
    const cases: readonly (readonly [unknown, string])[] = [
      ['{', 'CONFIG_FILE'],
      [{ associations: [{ ...entry, out: { spi: 8193, keyFile: 'gcm.key' } }] }, '[0].out has the key of'],
      [{ associations: [entry, { ...entry, name: 'b' }] }, 'associations[1].in has the key of'],
      [{ associations: {} }, 'associations must be a list'],
      [{ associations: [], more: 1 }, 'sa.json.more is not a setting'],
      [{ associations: [{ ...entry, name: undefined }] }, 'associations[0].name must be text'],
      [{ associations: [{ ...entry, mode: 'beet' }] }, 'associations[0].mode must be `transport` or `tunnel`'],
      [{ associations: [{ ...entry, mode: 'transport' }] }, 'transport mode, which has neither'],
      [{ associations: [{ ...entry, networks: ['fd00::/8'] }] }, 'networks must be a list of IPv4 networks'],
      [{ associations: [{ ...entry, colour: 'red' }] }, 'associations[0].colour is not a setting'],
      [{ associations: [{ ...entry, in: { spi: -1, keyFile: 'gcm.key' } }] }, 'in.spi must be a number'],
      [
        { associations: [{ ...entry, in: { spi: 300, keyFile: 'none.key' } }] },
        'in.keyFile names /none.key, which cannot',
      ],
      [{ associations: [{ ...entry, in: { spi: 300, keyFile: 'open.key' } }] }, 'chmod 600'],
      [{ associations: [{ ...entry, in: { spi: 300, keyFile: 'bad.key' } }] }, 'one key in hexadecimal'],
      [{ associations: [{ ...entry, lifetime: { hard: { days: 1 } } }] }, 'lifetime.hard.days is not a setting'],
    ];
    for (const [content, expected] of cases) {
      const said = await read(content);
      expect(said).toContain(expected);
      expect(said).not.toMatch(/1111|secret words/);
      expect(said).toMatch(/^CONFIG_/);
    }
    await rm(join(folder, 'sa.json'));
    await expect(readAssociations(join(folder, 'sa.json'))).rejects.toMatchObject({ code: 'CONFIG_FILE' });
  });
});
