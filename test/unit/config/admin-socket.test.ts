import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../config/load.ts';

const socketOf = (env: Readonly<Record<string, string>>): string | undefined => loadConfig({ env }).config.admin.socket;

describe('admin.socket', () => {
  it('is in the state folder, where the operator says, or nowhere', () => {
    expect(socketOf({})).toBe('/var/lib/pptp-gateway/admin.sock');
    expect(socketOf({ PPTP_STATE_DIR: '/srv/state/' })).toBe('/srv/state/admin.sock');
    expect(socketOf({ PPTP_ADMIN_SOCKET: '/run/pptp.sock' })).toBe('/run/pptp.sock');
    expect(socketOf({ PPTP_ADMIN_SOCKET: 'off' })).toBeUndefined();
  });

  it('must fit what Linux takes as the path of a socket', () => {
    const longest = `/${'a'.repeat(106)}`;
    expect(socketOf({ PPTP_ADMIN_SOCKET: longest })).toBe(longest);
    expect(() => socketOf({ PPTP_ADMIN_SOCKET: `${longest}a` })).toThrow(/PPTP_ADMIN_SOCKET.*too long.*107/s);
    expect(() => socketOf({ PPTP_STATE_DIR: `/${'b'.repeat(100)}` })).toThrow(/too long/);
  });
});
