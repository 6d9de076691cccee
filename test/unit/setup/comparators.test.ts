import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { prepareComparators } from '../../../setup/lib/comparators.mjs';

let place: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'pptp-comparators-'));
});

afterEach(() => rm(place, { recursive: true, force: true }));

const found = async (): Promise<unknown> => {
  await prepareComparators({ isRoot: false, hasApt: false }, place);
  return JSON.parse(await readFile(join(place, 'comparators.json'), 'utf8'));
};

const unpacked = async (path: string, script: string): Promise<string> => {
  const file = join(place, path);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return file;
};

test('what cannot be had is left out with a reason', async () => {
  const reason = 'there is no apt-get to fetch it with';
  expect(await found()).toEqual({ openvpn: { reason }, wireguard: { reason } });
});

test('what is there is used with the libraries beside it, whatever status its version has', async () => {
  const libraries = join(place, 'openvpn', 'usr', 'lib', 'm68k-linux-gnu');
  await mkdir(libraries, { recursive: true });
  const openvpn = await unpacked('openvpn/usr/sbin/openvpn', 'echo "OpenVPN 9.8.7 $LD_LIBRARY_PATH"; exit 1');
  expect(await found()).toMatchObject({
    openvpn: { programs: { openvpn }, libraries, version: `OpenVPN 9.8.7 ${libraries}` },
  });
});

test('a program that does not start is none, and neither is half a package', async () => {
  await unpacked('openvpn/usr/sbin/openvpn', 'echo "no such library" >&2; exit 127');
  await unpacked('wireguard/usr/bin/wireguard-go', 'echo 1.2');
  const reason = 'there is no apt-get to fetch it with';
  expect(await found()).toEqual({ openvpn: { reason }, wireguard: { reason } });
});
