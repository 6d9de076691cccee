import { toHex } from '../../../core/bytes/hex.ts';

/** One pair of associations between a guest's kernel and a host for which the gateway does ESP. */
export interface XfrmPair {
  readonly name: string;
  readonly host: string;
  readonly mode: 'transport' | 'tunnel';
  readonly algorithm: 'aes-gcm-16' | 'aes-cbc-hmac-sha2-256-128';
  readonly esn: boolean;
  /** From the guest, and to it. */
  readonly spis: { readonly in: string; readonly out: string };
  /** Different for each pair, so that nothing is decrypted with another one's. */
  readonly seed: number;
}

const secret = (pair: XfrmPair, direction: 'in' | 'out', octets: number, salt = 0): string =>
  toHex(
    Uint8Array.from(
      { length: octets },
      (_, i) => (pair.seed * 31 + (direction === 'in' ? 7 : 99) + salt + i * 5) & 255,
    ),
  );

const keysOf = (pair: XfrmPair, direction: 'in' | 'out') =>
  pair.algorithm === 'aes-gcm-16'
    ? { key: secret(pair, direction, 36), integrity: undefined }
    : { key: secret(pair, direction, 32), integrity: secret(pair, direction, 32, 3) };

/** Files of keys, by name, and the entry of the file of associations that names them. */
export const gatewayFiles = (pair: XfrmPair, user: string) => {
  const files = new Map<string, string>();
  const direction = (which: 'in' | 'out') => {
    const { key, integrity } = keysOf(pair, which);
    const keyFile = `${pair.name}-${which}.key`;
    files.set(keyFile, `${key}\n`);
    if (integrity === undefined) return { spi: pair.spis[which], keyFile };
    const integrityKeyFile = `${pair.name}-${which}.integrity`;
    files.set(integrityKeyFile, `${integrity}\n`);
    return { spi: pair.spis[which], keyFile, integrityKeyFile };
  };
  const { name, mode, host, algorithm, esn } = pair;
  return { files, entry: { name, user, mode, host, algorithm, esn, in: direction('in'), out: direction('out') } };
};

/** The shell command that gives the guest's kernel one direction; `wrongKey` one that nobody else has. */
export const xfrmState = (pair: XfrmPair, direction: 'in' | 'out', guest: string, wrongKey = false): string => {
  const [source, destination] = direction === 'in' ? [guest, pair.host] : [pair.host, guest];
  const { key, integrity } = keysOf(pair, direction);
  const used = wrongKey ? key.replace(/^../, (octet) => (octet === '00' ? '01' : '00')) : key;
  const algorithm =
    integrity === undefined
      ? `aead 'rfc4106(gcm(aes))' 0x${used} 128`
      : `enc 'cbc(aes)' 0x${used} auth-trunc 'hmac(sha256)' 0x${integrity} 128`;
  const id = `src ${source} dst ${destination} proto esp spi ${pair.spis[direction]}`;
  return `ip xfrm state add ${id} mode ${pair.mode} replay-window 64 ${pair.esn ? 'flag esn' : ''} ${algorithm}`;
};

export const xfrmPolicies = (pair: XfrmPair, guest: string, verb: 'add' | 'delete' = 'add'): string => {
  const policy = (direction: 'in' | 'out', source: string, destination: string): string => {
    const selector = `ip xfrm policy ${verb} src ${source}/32 dst ${destination}/32 dir ${direction}`;
    return verb === 'delete'
      ? selector
      : `${selector} tmpl src ${source} dst ${destination} proto esp mode ${pair.mode}`;
  };
  return `${policy('out', guest, pair.host)} && ${policy('in', pair.host, guest)}`;
};
