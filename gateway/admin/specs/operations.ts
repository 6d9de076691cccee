import type { RouteSpec } from '../spec.ts';
import { flag, list, missing, moment, named, object, oneOf, orNull, text, whole } from './json.ts';

export const PLUGINS: RouteSpec = {
  method: 'GET',
  url: '/v1/plugins',
  role: 'read',
  tag: 'gateway',
  summary: 'Plug-ins, and what they bring',
  answer: object({ plugins: list(object({ name: text, source: text, binds: list(text) })) }, missing),
};

export const CONFIG: RouteSpec = {
  method: 'GET',
  url: '/v1/config',
  role: 'read',
  tag: 'gateway',
  summary: 'Every setting with its value and where it came from; secrets are masked',
  answer: object({
    config: list(object({ key: text, env: orNull(text), value: text, origin: text, reload: flag })),
  }),
};

const line = object({
  what: oneOf(['user-and-source', 'source', 'user']),
  user: orNull(text),
  source: orNull(text),
  until: moment,
});

export const LOCKS: RouteSpec = {
  method: 'GET',
  url: '/v1/locks',
  role: 'read',
  tag: 'locks',
  summary: 'Who is locked out for guessing passwords',
  answer: object({ locks: list(line) }, missing),
};

export const CLEAR_LOCKS: RouteSpec = {
  method: 'DELETE',
  url: '/v1/locks',
  role: 'operate',
  tag: 'locks',
  summary: 'Let somebody in again; without a query everybody',
  query: object(
    {},
    {
      user: { type: 'string', minLength: 1, maxLength: 256 },
      source: { type: 'string', format: 'ipv4' },
    },
  ),
  answer: object({ cleared: whole }, missing),
  audit: 'lock.clear',
  auditFields: ['user', 'source'],
};

const entry = object({
  at: moment,
  action: text,
  actor: text,
  role: orNull(text),
  from: text,
  outcome: oneOf(['done', 'refused', 'failed']),
  target: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
  detail: orNull(text),
});

export const AUDIT: RouteSpec = {
  method: 'GET',
  url: '/v1/audit',
  role: 'admin',
  tag: 'audit',
  summary: 'What was changed, and what was refused, newest first',
  query: object(
    {},
    {
      limit: { type: 'integer', minimum: 1, maximum: 1000, description: '100 if left out.' },
      action: { type: 'string', minLength: 1, maxLength: 64 },
    },
  ),
  answer: object({ entries: list(entry) }),
};

const password = {
  type: 'string',
  minLength: 1,
  maxLength: 256,
  description: 'Left out: one is made, and is in the answer, once.',
};
const userName = { type: 'string', minLength: 1, maxLength: 255 };
const address = { type: ['string', 'null'], format: 'ipv4', description: 'Fixed inner address; null: from the pool.' };
const expired = { ...flag, description: 'The password serves for nothing but its own change.' };
const userLine = object({ name: text, address: orNull(text), expired: flag, sessions: whole });

export const USERS: RouteSpec = {
  method: 'GET',
  url: '/v1/users',
  role: 'read',
  tag: 'users',
  summary: 'Users of the users file, without their secrets',
  answer: object({ users: list(userLine) }, missing),
};

export const ADD_USER: RouteSpec = {
  method: 'POST',
  url: '/v1/users',
  role: 'admin',
  tag: 'users',
  summary: 'Add a user',
  body: object({ name: userName }, { password, address: { type: 'string', format: 'ipv4' }, expired }),
  status: 201,
  answer: object({ name: text }, { password: text }),
  audit: 'user.add',
  auditFields: ['name', 'address', 'expired'],
};

export const SET_PASSWORD: RouteSpec = {
  method: 'PUT',
  url: '/v1/users/:name/password',
  role: 'admin',
  tag: 'users',
  summary: 'Give a user a new password; sessions that are up stay',
  params: named('name'),
  body: { ...object({}, { password }), type: ['object', 'null'] },
  answer: object({ name: text }, { password: text }),
  audit: 'user.password',
};

export const CHANGE_USER: RouteSpec = {
  method: 'PATCH',
  url: '/v1/users/:name',
  role: 'admin',
  tag: 'users',
  summary: 'Change the fixed address of a user, or let the password expire',
  params: named('name'),
  body: { ...object({}, { address, expired: expired }), minProperties: 1 },
  answer: object({ name: text, address: orNull(text), expired: flag }),
  audit: 'user.change',
  auditFields: ['address', 'expired'],
};

export const REMOVE_USER: RouteSpec = {
  method: 'DELETE',
  url: '/v1/users/:name',
  role: 'admin',
  tag: 'users',
  summary: 'Remove a user',
  description: 'Sessions that are up stay, unless `disconnect` is true.',
  params: named('name'),
  query: object({}, { disconnect: flag }),
  answer: object({ name: text, disconnected: list(text) }, missing),
  audit: 'user.remove',
  auditFields: ['disconnect'],
};
