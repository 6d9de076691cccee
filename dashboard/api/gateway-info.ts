import type { Role } from '../../gateway/admin/api/roles.ts';

/** Of `GET /v1/gateway`, what is used here. */
export interface GatewayInfo {
  readonly version: string;
  /** Name of the machine. */
  readonly host?: string;
  readonly uptimeSeconds: number;
  /** Of the token that asked. */
  readonly role: Role;
  /** A URL with `{traceId}` in it; null where none is configured. */
  readonly traceLink?: string | null;
}
