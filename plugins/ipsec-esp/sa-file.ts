import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fromHex, toHex } from '../../core/bytes/hex.ts';
import { type IpNetwork, parseIpNetwork } from '../../core/bytes/ip-network.ts';
import { type Ipv4, parseIpv4 } from '../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../core/errors.ts';
import type { EspAlgorithm, SaLimits, SaOwner, SecurityAssociation } from '../../core/ports/security-associations.ts';

/** Reads one object of the file: each field once, none left over. */
class Fields {
  private readonly values: Map<string, unknown>;
  private readonly where: string;

  constructor(value: unknown, where: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(where, 'must be an object');
    this.values = new Map(Object.entries(value));
    this.where = where;
  }

  /** `undefined` of `parse` refuses a value; a field that is absent gives `usual`, or is refused if that is no key. */
  take<T>(name: string, expected: string, parse: (value: unknown) => T | undefined, usual?: { readonly value: T }): T {
    const given = this.values.get(name);
    this.values.delete(name);
    if (given === undefined && usual !== undefined) return usual.value;
    const parsed = given === undefined ? undefined : parse(given);
    if (parsed === undefined) throw wrong(`${this.where}.${name}`, `must be ${expected}`);
    return parsed;
  }

  object(name: string): Fields {
    const given = this.values.get(name);
    this.values.delete(name);
    return new Fields(given, `${this.where}.${name}`);
  }

  optional(name: string): Fields | undefined {
    return this.values.has(name) ? this.object(name) : undefined;
  }

  end(): void {
    const [first] = this.values.keys();
    if (first !== undefined) throw wrong(`${this.where}.${first}`, 'is not a setting of an association');
  }
}

const wrong = (where: string, what: string): GatewayError => new GatewayError('CONFIG_INVALID', `${where} ${what}`);

const asText = (value: unknown): string | undefined =>
  typeof value === 'string' && value.length > 0 && value.length <= 253 ? value : undefined;
const asToggle = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined);
const asCount = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
const asAddress = (value: unknown): Ipv4 | undefined => (typeof value === 'string' ? parseIpv4(value) : undefined);
const asSpi = (value: unknown): number | undefined => {
  const number = typeof value === 'string' && /^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(value) ? Number(value) : value;
  return asCount(number);
};
const asNetworks = (value: unknown): readonly IpNetwork[] | undefined => {
  if (!Array.isArray(value) || value.length === 0 || value.length > 64) return undefined;
  const networks: IpNetwork[] = [];
  for (const one of value) {
    const network = typeof one === 'string' ? parseIpNetwork(one) : undefined;
    if (network?.family === 4) networks.push(network);
  }
  return networks.length === value.length ? networks : undefined;
};
const asMode = (value: unknown): 'transport' | 'tunnel' | undefined =>
  value === 'transport' || value === 'tunnel' ? value : undefined;
const asAlgorithm = (value: unknown): EspAlgorithm['name'] | undefined =>
  value === 'aes-gcm-16' || value === 'aes-cbc-hmac-sha2-256-128' ? value : undefined;

/** A key as `ip xfrm` takes it: hexadecimal, with or without 0x. Not a word of it gets into an error. */
const readKey = async (path: string, where: string): Promise<Uint8Array> => {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) throw wrong(where, `names ${path}, which cannot be read`);
  if ((info.mode & 0o077) !== 0) throw wrong(where, `names ${path}, which others may read: chmod 600 it`);
  const text = (await readFile(path, 'utf8')).trim().replace(/^0x/i, '');
  try {
    return fromHex(text);
  } catch {
    throw wrong(where, `names ${path}, which must hold one key in hexadecimal and nothing else`);
  }
};

const keyFile = (fields: Fields, name: string): string => fields.take(name, 'the path of a file with a key', asText);

const limits = (fields: Fields | undefined): SaLimits | undefined => {
  if (fields === undefined) return undefined;
  const taken = (name: string): number | undefined =>
    fields.take<number | undefined>(name, 'a whole number', asCount, { value: undefined });
  const [octets, packets, seconds] = [taken('octets'), taken('packets'), taken('seconds')];
  fields.end();
  return {
    ...(octets === undefined ? {} : { octets }),
    ...(packets === undefined ? {} : { packets }),
    ...(seconds === undefined ? {} : { seconds }),
  };
};

const lifetimeOf = (fields: Fields | undefined): SecurityAssociation['lifetime'] => {
  if (fields === undefined) return undefined;
  const [soft, hard] = [limits(fields.optional('soft')), limits(fields.optional('hard'))];
  fields.end();
  return { ...(soft === undefined ? {} : { soft }), ...(hard === undefined ? {} : { hard }) };
};

const ownerOf = (fields: Fields): SaOwner => {
  const identity = fields.take<string | undefined>('user', 'a user name', asText, { value: undefined });
  const address = fields.take<Ipv4 | undefined>('address', 'an IPv4 address', asAddress, { value: undefined });
  return { ...(identity === undefined ? {} : { identity }), ...(address === undefined ? {} : { address }) };
};

/** Both directions of one entry of the list. */
async function pair(value: unknown, where: string, folder: string): Promise<readonly SecurityAssociation[]> {
  const fields = new Fields(value, where);
  const networks = (name: string) =>
    fields.take<readonly IpNetwork[] | undefined>(name, 'a list of IPv4 networks', asNetworks, { value: undefined });
  const name = fields.take('name', 'text', asText);
  const owner = ownerOf(fields);
  const mode = fields.take('mode', '`transport` or `tunnel`', asMode);
  const host = fields.take('host', 'an IPv4 address', asAddress);
  const [local, peer] = [networks('networks'), networks('peerNetworks')];
  const kind = fields.take('algorithm', '`aes-gcm-16` or `aes-cbc-hmac-sha2-256-128`', asAlgorithm);
  const esn = fields.take('esn', '`true` or `false`', asToggle, { value: false });
  const replayWindow = fields.take('replayWindow', 'a whole number', asCount, { value: 64 });
  const lifetime = lifetimeOf(fields.optional('lifetime'));
  const directions = [['in', fields.object('in')] as const, ['out', fields.object('out')] as const];
  fields.end();
  if (mode === 'transport' && (local !== undefined || peer !== undefined)) {
    throw wrong(where, 'is of transport mode, which has neither `networks` nor `peerNetworks`');
  }
  const made: SecurityAssociation[] = [];
  for (const [direction, own] of directions) {
    const at = `${where}.${direction}`;
    const spi = own.take('spi', 'a number of 256 to 4294967295, such as "0x1001"', asSpi);
    const key = await readKey(resolve(folder, keyFile(own, 'keyFile')), `${at}.keyFile`);
    const algorithm: EspAlgorithm =
      kind === 'aes-gcm-16'
        ? { name: kind, key }
        : {
            name: kind,
            key,
            integrityKey: await readKey(resolve(folder, keyFile(own, 'integrityKeyFile')), `${at}.integrityKeyFile`),
          };
    own.end();
    made.push({
      ...{ name, direction, spi, owner, mode, host, algorithm, esn, replayWindow },
      ...(local === undefined ? {} : { networks: local }),
      ...(peer === undefined ? {} : { peerNetworks: peer }),
      ...(lifetime === undefined ? {} : { lifetime }),
    });
  }
  return made;
}

/** RFC 4106 section 3.1: two senders with one AES-GCM key come to the same IV, and then its secrecy is gone. */
const refuseSharedKey = ({ algorithm }: SecurityAssociation, where: string, owners: Map<string, string>): void => {
  if (algorithm.name !== 'aes-gcm-16') return;
  const key = toHex(algorithm.key);
  const owner = owners.get(key);
  if (owner !== undefined) throw wrong(where, `has the key of ${owner}: each AES-GCM key is for one of them only`);
  owners.set(key, where);
};

/**
 * The associations of a JSON file `{"associations": [...]}` (docs/ipsec.md); keys are in files of their own, named relative
 * to it. Throws a GatewayError (CONFIG_FILE, CONFIG_INVALID) that says what to change.
 */
export async function readAssociations(path: string): Promise<readonly SecurityAssociation[]> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const why =
      cause instanceof SyntaxError ? 'it is not JSON' : cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError('CONFIG_FILE', `${path}, the file of associations for ipsec-esp, cannot be used: ${why}`);
  }
  const fields = new Fields(content, path);
  const entries = fields.take('associations', 'a list', (value) => (Array.isArray(value) ? value : undefined));
  fields.end();
  const made: SecurityAssociation[] = [];
  const owners = new Map<string, string>();
  for (const [at, entry] of entries.entries()) {
    const where = `${path}: associations[${at}]`;
    for (const one of await pair(entry, where, dirname(path))) {
      refuseSharedKey(one, `${where}.${one.direction}`, owners);
      made.push(one);
    }
  }
  return made;
}
