import { createHash } from 'node:crypto';
import { installedPackages, ownVersion, readLock } from './production.mjs';

const OWN = 'pptp-gateway';
const NAMES = { sha1: 'SHA-1', sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512' };

/** A UUID (version 8) that is the same for the same content. */
const contentUuid = (text) => {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

const refOf = ({ name, version }) => `${name}@${version}`;
const purlOf = ({ name, version }) => `pkg:npm/${name.replace('@', '%40')}@${version}`;

/** Subresource integrity to what CycloneDX wants. */
const hashesOf = (integrity = '') =>
  integrity.split(/\s+/).flatMap((one) => {
    const [algorithm, digest] = one.split('-', 2);
    const alg = NAMES[algorithm];
    if (alg === undefined || digest === undefined) return [];
    return [{ alg, content: Buffer.from(digest, 'base64').toString('hex') }];
  });

const licencesOf = (license) => {
  if (typeof license !== 'string') return [];
  return [/\s(AND|OR)\s/.test(license) ? { expression: license } : { license: { id: license } }];
};

/** Which package `name` means for the one at `path`: the nearest one above it, as Node looks. */
const resolve = (byPath, path, name) => {
  const above = path === '' ? [] : path.split('/node_modules/');
  for (let depth = above.length; depth >= 0; depth -= 1) {
    const base = above.slice(0, depth).join('/node_modules/');
    const found = byPath.get(base === '' ? `node_modules/${name}` : `${base}/node_modules/${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
};

const linksOf = (byPath, path, entry) => {
  const names = Object.keys({ ...entry.dependencies, ...entry.optionalDependencies, ...entry.peerDependencies });
  const found = names.flatMap((name) => resolve(byPath, path, name) ?? []);
  return [...new Set(found.map(refOf))].sort();
};

/** `npm sbom --omit dev` leaves out what is also wanted by a package for development, so this is done by hand. */
export const sbomOf = (lock, packages, { version, epoch }) => {
  const byPath = new Map(packages.map((one) => [one.path, one]));
  const entryOf = (path) => lock.packages[path] ?? {};
  // The same package may be there several times, below several others.
  const components = new Map();
  const links = new Map([
    [refOf({ name: OWN, version }), linksOf(byPath, '', { dependencies: entryOf('').dependencies })],
  ]);
  for (const one of packages) {
    const ref = refOf(one);
    links.set(ref, [...new Set([...(links.get(ref) ?? []), ...linksOf(byPath, one.path, entryOf(one.path))])].sort());
    components.set(ref, {
      type: 'library',
      'bom-ref': ref,
      name: one.name,
      version: one.version,
      scope: 'required',
      hashes: hashesOf(entryOf(one.path).integrity),
      licenses: licencesOf(one.license),
      purl: purlOf(one),
    });
  }
  const byRef = ([a], [b]) => (a < b ? -1 : 1);
  const content = {
    metadata: {
      timestamp: new Date(epoch * 1000).toISOString(),
      component: {
        type: 'application',
        'bom-ref': refOf({ name: OWN, version }),
        name: OWN,
        version,
        purl: purlOf({ name: OWN, version }),
      },
    },
    components: [...components].toSorted(byRef).map(([, component]) => component),
    dependencies: [...links].toSorted(byRef).map(([ref, dependsOn]) => ({ ref, dependsOn })),
  };
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${contentUuid(JSON.stringify(content))}`,
    version: 1,
    ...content,
  };
};

/** The packages that a gateway needs to run as CycloneDX JSON. `epoch` is the time to write into it, in seconds. */
export const makeSbom = async (epoch) => {
  const sbom = sbomOf(await readLock(), await installedPackages(), { version: await ownVersion(), epoch });
  return `${JSON.stringify(sbom, undefined, 2)}\n`;
};
