import { formatIpv4, type Ipv4, parseIpv4 } from '../../core/bytes/ipv4-address.ts';
import { ERROR_CODES, GatewayError } from '../../core/errors.ts';
import type { UserLine } from '../admin/api/operations.ts';
import { AdminRefusal } from '../admin/refusal.ts';
import type { RunningGateway } from './running-gateway.ts';

export interface NewUser {
  readonly name: string;
  readonly password: string;
  /** Fixed inner address. */
  readonly address?: Ipv4;
  /** Keep the password itself, for CHAP-MD5. */
  readonly storePassword?: boolean;
  readonly mustChange?: boolean;
}

export interface UserSummary {
  readonly name: string;
  readonly address?: Ipv4;
  readonly disabled?: boolean;
  readonly storesPassword?: boolean;
  readonly mustChange?: boolean;
  /** Where a running gateway is asked. */
  readonly sessions?: number;
}

/** The user file as the `users` verbs need it. Throws GatewayError USERS_FILE, USER_EXISTS, USER_UNKNOWN, USER_INVALID. */
export interface UserAdmin {
  list(): Promise<readonly UserSummary[]>;
  add(user: NewUser): Promise<void>;
  setPassword(name: string, password: string, storePassword: boolean): Promise<void>;
  expire(name: string): Promise<void>;
  remove(name: string): Promise<void>;
}

const PATH = '/v1/users';
const at = (name: string): string => `${PATH}/${encodeURIComponent(name)}`;

/** An operator's mistake has the same code whether the file is edited here or by the gateway. */
const sameCode = (error: unknown): unknown => {
  const code = error instanceof AdminRefusal ? ERROR_CODES.find((one) => one === error.reason) : undefined;
  return code === undefined || !(error instanceof AdminRefusal) ? error : new GatewayError(code, error.message);
};

const notFromAfar = (): GatewayError =>
  new GatewayError(
    'USER_INVALID',
    'a password is stored readably only by a command on the host of the gateway itself.',
  );

const summaryOf = ({ name, address, expired, sessions }: UserLine): UserSummary => {
  const fixed = address === null ? undefined : parseIpv4(address);
  return {
    name,
    sessions,
    ...(fixed === undefined ? {} : { address: fixed }),
    ...(expired ? { mustChange: true } : {}),
  };
};

/** The users of a running gateway, which writes the file itself, and the audit. */
export const gatewayUsers = (gateway: RunningGateway): UserAdmin => {
  const send = async (method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<void> => {
    try {
      const { stream } = await gateway.request({ method, path, ...(body === undefined ? {} : { body }) });
      stream.resume();
    } catch (error) {
      throw sameCode(error);
    }
  };
  return {
    list: async () => (await gateway.get<{ readonly users: readonly UserLine[] }>(PATH)).users.map(summaryOf),
    add: async ({ name, password, address, mustChange, storePassword }) => {
      if (storePassword === true) throw notFromAfar();
      const fixed = address === undefined ? {} : { address: formatIpv4(address) };
      return send('POST', PATH, { name, password, ...fixed, ...(mustChange === true ? { expired: true } : {}) });
    },
    setPassword: async (name, password, storePassword) => {
      if (storePassword) throw notFromAfar();
      return send('PUT', `${at(name)}/password`, { password });
    },
    expire: (name) => send('PATCH', at(name), { expired: true }),
    remove: (name) => send('DELETE', at(name)),
  };
};
