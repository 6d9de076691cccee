import type { FastifyInstance } from 'fastify';
import { isHostOf } from '../../../config/formats.ts';
import type { GatewayConfig } from '../../../config/types.ts';
import { formatIpv4, type Ipv4, parseIpv4 } from '../../../core/bytes/ipv4-address.ts';
import { addUser, changeUser, listUsers, removeUser, setPassword } from '../../../plugins/backend-user-file/index.ts';
import { generatePassword } from '../../cli/password.ts';
import type { NewUserOrder, UserLine } from '../api/operations.ts';
import type { Disconnected } from '../api/sessions.ts';
import { liveOf } from '../live/live-of.ts';
import { bareName, isUser } from '../live/user-names.ts';
import { AdminError, type AdminRoute } from '../route.ts';
import { fromSpec } from '../spec.ts';
import { ADD_USER, CHANGE_USER, REMOVE_USER, SET_PASSWORD, USERS } from '../specs/operations.ts';

interface OfUser {
  readonly Params: { readonly name: string };
}

/** What the routes need that change users; a supervisor has it as well as a gateway of one process. */
export interface UserRoutes {
  readonly config: Pick<GatewayConfig, 'users' | 'pool'>;
  /** Ends the sessions of a user; resolves with the ids of those that it ended. */
  disconnect(user: string, actor: string): Promise<Disconnected>;
}

/** Throws when plug-ins alone know the users. */
export const usersFile = ({ users }: UserRoutes['config']): string => {
  if (users.source === 'file') return users.file;
  const message = 'Plug-ins alone know the users (PPTP_USERS_FROM is plugins): change them where those have them from.';
  throw new AdminError(409, 'USERS_ELSEWHERE', message);
};

const addressOf = (text: string, { pool }: UserRoutes['config']): Ipv4 => {
  const address = parseIpv4(text);
  const ranges = [pool.range, ...pool.named.map(({ network }) => network)];
  if (address !== undefined && address !== pool.gatewayAddress && ranges.some((range) => isHostOf(range, address))) {
    return address;
  }
  const message = `${text} is no client address of a pool: choose one in ${ranges.map((range) => range.text).join(', ')}.`;
  throw new AdminError(409, 'USER_INVALID', message);
};

const found = async (file: string, name: string) => {
  const users = await listUsers(file);
  return users.find((user) => user.name.toLowerCase() === name.toLowerCase());
};

/** What is there before anything else is refused for it. */
const known = async (file: string, name: string): Promise<string> => {
  const user = await found(file, name);
  if (user === undefined) throw new AdminError(404, 'USER_UNKNOWN', `There is no user ${JSON.stringify(name)}.`);
  return user.name;
};

export const putUserChanges = (app: FastifyInstance, { config, disconnect }: UserRoutes): void => {
  app.route<{ Body: NewUserOrder & { readonly expired?: boolean } }>({
    ...fromSpec(ADD_USER),
    handler: async ({ body: { name, password, address, expired } }, reply) => {
      const made = password ?? generatePassword();
      await addUser(usersFile(config), {
        name,
        password: made,
        ...(address === undefined ? {} : { address: addressOf(address, config) }),
        ...(expired === true ? { mustChange: true } : {}),
      });
      void reply.code(201);
      return { name, ...(password === undefined ? { password: made } : {}) };
    },
  });

  app.route<OfUser & { readonly Body: { readonly password?: string } | null }>({
    ...fromSpec(SET_PASSWORD),
    handler: async ({ params, body }) => {
      const password = body?.password;
      const file = usersFile(config);
      const name = await known(file, params.name);
      const made = password ?? generatePassword();
      await setPassword(file, name, made);
      return { name, ...(password === undefined ? { password: made } : {}) };
    },
  });

  app.route<OfUser & { readonly Body: { readonly address?: string | null; readonly expired?: boolean } }>({
    ...fromSpec(CHANGE_USER),
    handler: async ({ params, body: { address, expired } }) => {
      const file = usersFile(config);
      const name = await known(file, params.name);
      const wanted = typeof address === 'string' ? addressOf(address, config) : address;
      await changeUser(file, name, {
        ...(wanted === undefined ? {} : { address: wanted }),
        ...(expired === undefined ? {} : { mustChange: expired }),
      });
      const now = await found(file, name);
      return {
        name,
        address: now?.address === undefined ? null : formatIpv4(now.address),
        expired: now?.mustChange === true,
      };
    },
  });

  app.route<OfUser & { readonly Querystring: { readonly disconnect?: boolean } }>({
    ...fromSpec(REMOVE_USER),
    handler: async (request) => {
      const file = usersFile(config);
      const name = await known(file, request.params.name);
      // First: whose session ends must not come back.
      await removeUser(file, name);
      if (request.query.disconnect !== true) return { name, disconnected: [] };
      request.audited = { disconnect: true };
      return { name, ...(await disconnect(name, request.actor)) };
    },
  });
};

export const usersRoute: AdminRoute = (app, deps) => {
  const { gateway, config } = deps;
  const live = liveOf(deps);

  app.route({
    ...fromSpec(USERS),
    handler: async (): Promise<{ readonly users: readonly UserLine[] }> => {
      const users = await listUsers(usersFile(config));
      const sessions = new Map<string, number>();
      for (const { session } of gateway.live.all()) {
        if (session.identity === undefined) continue;
        const name = bareName(session.identity);
        sessions.set(name, (sessions.get(name) ?? 0) + 1);
      }
      return {
        users: users.map(({ name, address, mustChange }) => ({
          name,
          address: address === undefined ? null : formatIpv4(address),
          expired: mustChange === true,
          sessions: sessions.get(name.toLowerCase()) ?? 0,
        })),
      };
    },
  });

  putUserChanges(app, {
    config,
    disconnect: async (user) => {
      const ids = [...gateway.live.all()]
        .filter(({ session }) => isUser(user, session.identity))
        .map(({ session }) => session.id);
      const ending = { reason: 'administrative', detail: 'operator: the user was removed' } as const;
      return { disconnected: await live.disconnect(ids, ending) };
    },
  });
};
