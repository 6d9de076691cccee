import { concatBytes } from '../../../core/bytes/bytes.ts';
import { md5 } from '../../../core/crypto/md5.ts';

const BLOCK = 64;

/** HMAC-MD5 (RFC 2104): 16 octets. */
export const hmacMd5 = (key: Uint8Array, message: Uint8Array): Uint8Array => {
  const block = new Uint8Array(BLOCK);
  block.set(key.length > BLOCK ? md5(key) : key);
  const inner = md5(
    block.map((octet) => octet ^ 0x36),
    message,
  );
  return md5(
    concatBytes(
      block.map((octet) => octet ^ 0x5c),
      inner,
    ),
  );
};
