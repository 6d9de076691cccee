import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { npmCommand } from './dependencies.mjs';
import { root } from './paths.mjs';
import { SetupError } from './script.mjs';

const run = promisify(execFile);
const MOST_OCTETS = 64 << 20;

/** A UUID that is the same for the same content. */
const contentUuid = (text) => {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

/** Without what differs from run to run and from machine to machine: time, serial number, folder, the registry used. */
export const normalizeSbom = (sbom, { name, epoch }) => {
  const components = (sbom.components ?? [])
    .map((component) => ({
      ...component,
      externalReferences: (component.externalReferences ?? []).filter(({ type }) => type !== 'distribution'),
    }))
    .toSorted((a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1));
  const dependencies = (sbom.dependencies ?? [])
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.toSorted() }))
    .toSorted((a, b) => (a.ref < b.ref ? -1 : 1));
  const timestamp = new Date(epoch * 1000).toISOString();
  const metadata = {
    ...sbom.metadata,
    timestamp,
    component: { ...sbom.metadata.component, name, type: 'application' },
  };
  const content = { ...sbom, metadata, components, dependencies };
  delete content.serialNumber;
  return { ...content, serialNumber: `urn:uuid:${contentUuid(JSON.stringify(content))}` };
};

/**
 * The packages that a gateway needs to run as CycloneDX JSON, from the lock file by `npm sbom` (npm 10 and later).
 * `epoch` is the time to write into it, in seconds.
 */
export const makeSbom = async (epoch) => {
  const { program, args } = npmCommand();
  const words = ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only'];
  const { stdout } = await run(program, [...args, ...words], {
    cwd: root,
    maxBuffer: MOST_OCTETS,
    env: { ...process.env, npm_config_update_notifier: 'false', npm_config_loglevel: 'silent' },
  }).catch((error) => {
    throw new SetupError('SBOM_FAILED', `npm sbom failed (npm 10 or newer has it): ${error.message.split('\n')[0]}`);
  });
  return `${JSON.stringify(normalizeSbom(JSON.parse(stdout), { name: 'pptp-gateway', epoch }), undefined, 2)}\n`;
};
