import type { Role } from './roles.ts';

/** `GET /v1/config`: each key in schema order, secrets masked. */
export interface ConfigLine {
  readonly key: string;
  readonly env: string | null;
  readonly value: string;
  /** "default", "environment PPTP_PORT" and the like. */
  readonly origin: string;
  /** Whether a reload brings a new value into force. */
  readonly reload: boolean;
}

/** `GET /v1/plugins`. */
export interface PluginLine {
  readonly name: string;
  /** `built-in`, `shipped`, or where it was loaded from. */
  readonly source: string;
  /** Names of what it binds. */
  readonly binds: readonly string[];
}

/** `GET /v1/users`. Never a password or a hash. */
export interface UserLine {
  readonly name: string;
  readonly address: string | null;
  /** Must choose a new password. */
  readonly expired: boolean;
  readonly sessions: number;
}

/** Body of `POST /v1/users`. */
export interface NewUserOrder {
  readonly name: string;
  /** Left out: one is made, and is in the answer, once. */
  readonly password?: string;
  readonly address?: string;
}

/** `GET /v1/locks`: who is locked out for guessing. */
export interface LockLine {
  /** What the lock keeps out: a user from one address, an address, or a user. */
  readonly what: 'user-and-source' | 'source' | 'user';
  readonly user: string | null;
  readonly source: string | null;
  /** ISO 8601. */
  readonly until: string;
}

/** `GET /v1/audit`, newest first; one line each in the file. */
export interface AuditEntry {
  /** ISO 8601. */
  readonly at: string;
  /** "session.disconnect", "user.add", "config.reload", "auth.refused". */
  readonly action: string;
  readonly actor: string;
  readonly role: Role | null;
  /** "socket", or the address of the client. */
  readonly from: string;
  readonly outcome: 'done' | 'refused' | 'failed';
  /** What it was about; never a secret. */
  readonly target: Readonly<Record<string, string | number | boolean>>;
  readonly detail: string | null;
}
