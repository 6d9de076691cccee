/** Licences of packages that may be handed on with this gateway without further duties than to name them. */
const PERMISSIVE = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Python-2.0',
  'Unicode-3.0',
  'Unlicense',
  'Zlib',
]);

/** Of an SPDX expression: with OR one part is enough, with AND all of them count. */
const isPermissive = (expression) =>
  expression
    .replaceAll(/[()]/g, ' ')
    .split(/\s+OR\s+/)
    .some((part) => part.split(/\s+AND\s+/).every((licence) => PERMISSIVE.has(licence.trim())));

/** What is wrong with the licences of packages: one line each. */
export const licenceProblems = (packages) =>
  packages
    .filter(({ license }) => typeof license !== 'string' || !isPermissive(license))
    .map(({ name, version, license }) => `${name} ${version}: ${license ?? 'no licence is named'}`);
