import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

const BUILT = join('dist', 'pages');
const isBuilt = existsSync(join(BUILT, '.stamp'));

const files = (): readonly string[] =>
  readdirSync(BUILT, { recursive: true, encoding: 'utf8' })
    .map((name) => join(BUILT, name))
    .filter((path) => statSync(path).isFile() && !path.endsWith('.stamp'));
const MOST_OCTETS = 100_000;

describe.skipIf(!isBuilt)('what is built', () => {
  it('is less than 100 kB in all, compressed with gzip', () => {
    const sum = files()
      .filter((path) => path.endsWith('.gz'))
      .reduce((octets, path) => octets + statSync(path).size, 0);
    expect(sum).toBeGreaterThan(10_000);
    expect(sum).toBeLessThan(MOST_OCTETS);
  });

  it('is there three times: as it is, and compressed in two ways', () => {
    const plain = files().filter((path) => !/\.(gz|br)$/.test(path));
    expect(plain.map((path) => path.replace(/-[\w-]{8}\./, '.')).sort()).toEqual(
      ['assets/index.css', 'assets/index.js', 'assets/mark.svg', 'index.html'].map((name) => join(BUILT, name)),
    );
    for (const path of plain) {
      const content = readFileSync(path);
      expect(gunzipSync(readFileSync(`${path}.gz`)).equals(content)).toBe(true);
      expect(brotliDecompressSync(readFileSync(`${path}.br`)).equals(content)).toBe(true);
    }
  });

  it('has no script, style or address in the page that its security policy would stop', () => {
    const page = readFileSync(join(BUILT, 'index.html'), 'utf8');
    expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bstyle=|\son\w+=|https?:/);
  });
});
