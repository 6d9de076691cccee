import { describe, expect, test } from 'vitest';
import { listenError } from '../../../../plugins/control-pptp/listen-error.ts';

const failed = (code: string): Error => Object.assign(new Error(code), { code });

describe('listenError', () => {
  test.each([
    ['EADDRINUSE', 'PORT_TAKEN', /198\.51\.100\.1 port 1723 .*PPTP_PORT/],
    ['EACCES', 'NOT_ROOT', /root.*CAP_NET_BIND_SERVICE.*PPTP_PORT/],
    ['EPERM', 'NOT_ROOT', /root/],
    ['EADDRNOTAVAIL', 'ADDRESS_UNAVAILABLE', /198\.51\.100\.1.*PPTP_LISTEN/],
    ['EAFNOSUPPORT', 'ADDRESS_UNAVAILABLE', /EAFNOSUPPORT.*PPTP_LISTEN.*PPTP_PORT/],
  ])('%s is %s and says what to do', (code, expected, words) => {
    const cause = failed(code);
    const error = listenError(cause, '198.51.100.1', 1723);
    expect(error.code).toBe(expected);
    expect(error.message).toMatch(words);
    expect(error.cause).toBe(cause);
  });

  test.each([[undefined], [null], ['text'], [{ code: 5 }]])('any thrown value is a GatewayError: %j', (cause) => {
    expect(listenError(cause, '0.0.0.0', 1).code).toBe('ADDRESS_UNAVAILABLE');
  });
});
