import { describe, expect, test } from 'vitest';
import { checkCertificates } from '../../../../../gateway/doctor/checks/certificates.ts';
import { checkTelemetry, telemetryEndpoints } from '../../../../../gateway/doctor/checks/telemetry.ts';
import { checkUsers, type KnownUser } from '../../../../../gateway/doctor/checks/users.ts';
import { advice, configOf, said, usual } from '../../../../support/doctor-findings.ts';

describe('users', () => {
  const alice: KnownUser = { name: 'alice' };
  const check = (users: readonly KnownUser[], env = {}) => said(checkUsers({ kind: 'users', users }, configOf(env)));
  const weak = { PPTP_AUTH_METHODS: 'chap-md5', PPTP_MPPE: 'disabled' };

  test('somebody may come in', () => {
    expect(check([alice, { name: 'bob', disabled: true }])).toEqual([
      'ok: The users file /var/lib/pptp-gateway/users.json has 1 user that may come in.',
    ]);
  });
  test('nobody may', () => {
    expect(check([])).toEqual(['fail: The users file /var/lib/pptp-gateway/users.json has no user.']);
    expect(check([{ name: 'bob', disabled: true }])[0]).toMatch(/^fail: .* has 1 users, all of them disabled\.$/);
    expect(check([], { PPTP_PLUGINS: 'my-users' })[0]).toMatch(/^warn/);
  });
  test('no file, and one that cannot be used', () => {
    expect(said(checkUsers({ kind: 'missing' }, usual))[0]).toMatch(
      /^warn: .* the next start makes one with a first user\.$/,
    );
    expect(said(checkUsers({ kind: 'missing' }, configOf({ PPTP_PLUGINS: 'my-users' })))[0]).toMatch(/^ok/);
    const without = configOf({ PPTP_PLUGINS: 'my-users', PPTP_USERS_FROM: 'plugins' });
    expect(said(checkUsers({ kind: 'unusable', message: '' }, without))).toEqual([expect.stringMatching(/^ok/)]);
    expect(advice(checkUsers({ kind: 'unusable', message: 'others can read it.' }, usual))).toBe('others can read it.');
  });
  test('methods that need the password itself', () => {
    expect(check([alice], weak)[1]).toBe('fail: chap-md5 need passwords that are stored readably, which "alice" lack.');
    expect(check([{ ...alice, storesPassword: true }], weak)).toHaveLength(1);
    expect(check([alice], { PPTP_AUTH_METHODS: 'ms-chap-v2,chap-md5' })[1]).toMatch(
      /^warn: "alice" cannot log in with chap-md5/,
    );
    expect(check([alice], { ...weak, PPTP_AUTH_METHODS: 'eap', PPTP_EAP_METHODS: 'md5' })[1]).toMatch(/^fail: eap-md5/);
  });
  test('expired passwords that nothing can change', () => {
    const expired = { ...alice, mustChange: true, storesPassword: true };
    expect(check([expired])).toHaveLength(1);
    expect(check([expired], weak)[1]).toMatch(/^warn: The passwords of "alice" have expired/);
  });
  test('of many users a few are named', () => {
    const many = Array.from({ length: 9 }, (_, i) => ({ name: `u${i}` }));
    expect(check(many, weak)[1]).toContain('"u4" and 4 more');
  });
});

describe('certificates', () => {
  const now = Date.UTC(2026, 10, 22);
  const day = 86_400_000;
  const check = (from: number, to: number) =>
    said(checkCertificates({ kind: 'read', subject: 'CN=vpn', from: now + from * day, to: now + to * day, now }));

  test('not used', () => expect(checkCertificates(undefined)).toEqual([]));
  test('of today, soon over, over, not yet', () => {
    expect(check(-9, 99)).toEqual(['ok: The certificate CN=vpn is valid until 2027-03-01.']);
    expect(check(-9, 9)).toEqual(['warn: The certificate CN=vpn expires on 2026-12-01.']);
    expect(check(-9, -1)).toEqual(['fail: The certificate CN=vpn expired on 2026-11-21.']);
    expect(check(1, 9)).toEqual(['fail: The certificate CN=vpn is valid from 2026-11-23 on only.']);
  });
  test('not to be read', () => {
    expect(advice(checkCertificates({ kind: 'unusable', message: 'no PEM file.' }))).toBe('no PEM file.');
  });
});

describe('telemetry', () => {
  test('nothing asked for, nothing said', () => {
    expect(telemetryEndpoints({})).toEqual({ endpoints: [], malformed: [] });
    expect(telemetryEndpoints({ OTEL_TRACES_EXPORTER: 'console' }).endpoints).toEqual([]);
    expect(telemetryEndpoints({ OTEL_SDK_DISABLED: 'true', OTEL_TRACES_EXPORTER: 'otlp' }).endpoints).toEqual([]);
  });
  test('one endpoint for all, one for one', () => {
    const { endpoints } = telemetryEndpoints({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'https://[2001:db8::1]/v1/logs',
      OTEL_METRICS_EXPORTER: 'prometheus',
    });
    expect(endpoints).toEqual([
      { signals: ['traces'], host: 'collector', port: 4318 },
      { signals: ['logs'], host: '2001:db8::1', port: 443 },
    ]);
  });
  test('the usual port of each protocol', () => {
    const port = (protocol: string) =>
      telemetryEndpoints({ OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: protocol }).endpoints[0]?.port;
    expect([port('grpc'), port('http/protobuf')]).toEqual([4317, 4318]);
  });
  test('no secret of a URL is kept', () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:s3cret@c:1/?token=s3cret' };
    expect(JSON.stringify(telemetryEndpoints(env))).not.toContain('s3cret');
    const broken = telemetryEndpoints({ OTEL_EXPORTER_OTLP_ENDPOINT: 's3cret c' });
    expect(said(checkTelemetry({ endpoints: [], malformed: broken.malformed }))).toEqual([
      'fail: OTEL_EXPORTER_OTLP_ENDPOINT is no http or https URL.',
    ]);
  });
  test('reached or not', () => {
    const one = { signals: ['traces', 'logs'], host: 'c', port: 4318 };
    expect(said(checkTelemetry({ endpoints: [{ ...one, error: undefined }], malformed: [] }))).toEqual([
      'ok: The OpenTelemetry collector c port 4318 (traces, logs) takes connections.',
    ]);
    expect(said(checkTelemetry({ endpoints: [{ ...one, error: 'ECONNREFUSED' }], malformed: [] }))[0]).toMatch(
      /^warn: .* cannot be reached \(ECONNREFUSED\): traces, metrics or logs are lost, calls are not\.$/,
    );
  });
});
