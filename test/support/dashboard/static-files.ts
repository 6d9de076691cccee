import { readFileSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** As the gateway serves the dashboard. */
export const SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export interface StaticFile {
  readonly type: string;
  readonly content: Buffer;
}

export const staticFile = (folder: string, path: string): StaticFile | undefined => {
  const name = normalize(path === '/' ? '/index.html' : path);
  const type = TYPES[extname(name)];
  if (type === undefined) return undefined;
  try {
    return { type, content: readFileSync(join(folder, name)) };
  } catch {
    return undefined;
  }
};
