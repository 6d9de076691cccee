import { describe, expect, it } from 'vitest';
import { toHex } from '../../../../core/bytes/hex.ts';
import type { TlsEngine, TlsProgress } from '../../../../core/ports/tls-engine.ts';
import { eapTls } from '../../../../plugins/auth-eap-tls/index.ts';
import { EapBench } from '../../../support/eap-bench.ts';

/** Says what it was told to say, one answer for each thing it is given, and keeps what it was given. */
class ScriptedTls implements TlsEngine {
  readonly heard: string[] = [];
  readonly #answers: TlsProgress[];

  constructor(answers: readonly TlsProgress[]) {
    this.#answers = [...answers];
  }

  open(): ReturnType<TlsEngine['open']> {
    const answer = async (word: string, bytes: Uint8Array): Promise<TlsProgress> => {
      this.heard.push(`${word} ${toHex(bytes)}`);
      const next = this.#answers.shift();
      if (next === undefined) throw new Error('TLS has nothing more to say');
      return next;
    };
    return { exchange: (bytes) => answer('exchange', bytes), write: (bytes) => answer('write', bytes) };
  }
}

const octets = (...values: number[]): Uint8Array => Uint8Array.from(values);
const handshaking = (...output: number[]): TlsProgress => ({ state: 'handshaking', output: octets(...output) });
const established = (
  version: 'TLSv1.2' | 'TLSv1.3',
  output: readonly number[],
  received: readonly number[] = [],
  names: readonly string[] = ['alice', 'alice@example.com'],
): TlsProgress => ({
  state: 'established',
  output: octets(...output),
  received: octets(...received),
  version,
  certificate: { subject: 'CN=alice', fingerprint: 'ab', names },
  exportKeyingMaterial: (length, label, context) => {
    const wanted =
      version === 'TLSv1.2' ? ['client EAP encryption', undefined] : ['EXPORTER_EAP_TLS_Key_Material', octets(13)];
    expect([label, context]).toEqual(wanted);
    return Uint8Array.from({ length }, (_, i) => i);
  },
});
const refused = (...output: number[]): TlsProgress => ({
  state: 'failed',
  output: octets(...output),
  denial: 'expired',
  reason: 'the certificate has expired',
});
const key = (first: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, i) => first + i);
const ACCEPTED = { ok: true, identity: 'alice', profile: {}, grant: {} } as const;

/** An authenticator that has sent Start as Request 2. */
const server = (
  identity: string,
  ...answers: TlsProgress[]
): { readonly bench: EapBench; readonly tls: ScriptedTls } => {
  const tls = new ScriptedTls(answers);
  const bench = new EapBench('authenticator', [eapTls(tls)]);
  bench.start();
  const name = toHex(new TextEncoder().encode(identity));
  const length = (5 + identity.length).toString(16).padStart(4, '0');
  expect(bench.frame(`0201${length}01${name}`)).toEqual(['010200060d20']);
  return { bench, tls };
};

describe('EAP-TLS, authenticator', () => {
  it('TLS 1.2: asks for the user before its last flight, and lets in when that was acknowledged', async () => {
    const { bench, tls } = server('alice', handshaking(1, 2), established('TLSv1.2', [3, 4]));
    expect(bench.frame('02 02 0008 0d 00 aabb')).toEqual(['compute']);
    expect(await bench.compute()).toEqual(['010300080d000102']);
    expect(bench.frame('02 03 0008 0d 00 ccdd')).toEqual(['compute']);
    expect(await bench.compute()).toEqual(['verify']);
    expect(bench.effects.at(-1)).toMatchObject({
      method: 'certificate',
      request: { userName: 'alice', subject: 'CN=alice', fingerprint: 'ab' },
    });
    expect(bench.verdict(ACCEPTED)).toEqual(['010400080d000304']);
    expect(bench.frame('02 04 0006 0d 00')).toEqual(['03040004', 'accept']);
    // Ours: receive is octets 0 to 15 of the MSK, send 32 to 47.
    expect(bench.effects.at(-1)).toMatchObject({ identity: 'alice', keys: { receive: key(0), send: key(32) } });
    expect(tls.heard).toEqual(['exchange aabb', 'exchange ccdd']);
  });

  it('TLS 1.3: adds the protected success to its last flight', async () => {
    const { bench, tls } = server('alice', established('TLSv1.3', [3, 4]), established('TLSv1.3', [5]));
    bench.frame('02 02 0008 0d 00 aabb');
    await bench.compute();
    expect(bench.verdict(ACCEPTED)).toEqual(['compute']);
    expect(await bench.compute()).toEqual(['010300090d00030405']);
    expect(tls.heard).toEqual(['exchange aabb', 'write 00']);
    expect(bench.frame('02 03 0006 0d 00')).toEqual(['03030004', 'accept']);
  });

  it('acknowledges fragments, and feeds TLS the whole', async () => {
    const { bench, tls } = server('alice', handshaking(1));
    expect(bench.frame('02 02 000c 0d c0 00000003 aabb')).toEqual(['010300060d00']);
    expect(bench.frame('02 03 0007 0d 00 cc')).toEqual(['compute']);
    await bench.compute();
    expect(tls.heard).toEqual(['exchange aabbcc']);
  });

  it.each([
    ['the one the peer claims, if the certificate holds it', 'alice@example.com', 'alice@example.com'],
    ['the same in other letters and with a domain', 'CORP\\ALICE', 'alice'],
    ['the common name, if the peer claims to be somebody else', 'root', 'alice'],
    ['the common name, if the peer claims nothing', '', 'alice'],
  ])('the user is %s', async (_name, claimed, userName) => {
    const { bench } = server(claimed, established('TLSv1.2', [3]));
    bench.frame('02 02 0007 0d 00 aa');
    await bench.compute();
    expect(bench.effects.at(-1)).toMatchObject({ kind: 'verify', request: { userName } });
  });

  it('a certificate without any name lets nobody in', async () => {
    const { bench } = server('alice', established('TLSv1.2', [3], [], []));
    bench.frame('02 02 0007 0d 00 aa');
    expect(await bench.compute()).toEqual(['04020004', 'attempt-failed', 'reject']);
  });

  it('sends an alert before the Failure, and a Failure at once without one', async () => {
    const alert = server('alice', refused(9)).bench;
    alert.frame('02 02 0007 0d 00 aa');
    expect(await alert.compute()).toEqual(['010300070d0009']);
    expect(alert.frame('02 03 0006 0d 00')).toEqual(['04030004', 'attempt-failed', 'reject']);
    expect(alert.effects.at(-1)).toMatchObject({ denial: 'expired', detail: 'the certificate has expired' });
    const silent = server('alice', refused()).bench;
    silent.frame('02 02 0007 0d 00 aa');
    expect(await silent.compute()).toEqual(['04020004', 'attempt-failed', 'reject']);
  });

  it('a peer that answers the last flight with an alert gets no Success', async () => {
    const { bench } = server('alice', established('TLSv1.2', [3]));
    bench.frame('02 02 0007 0d 00 aa');
    await bench.compute();
    bench.verdict(ACCEPTED);
    expect(bench.frame('02 03 0008 0d 00 1503')).toEqual(['04030004', 'attempt-failed', 'reject']);
  });

  it('half a TLS message, and a TLS engine that fails, end the exchange', async () => {
    const half = server('alice', handshaking()).bench;
    half.frame('02 02 0007 0d 00 aa');
    expect(await half.compute()).toEqual(['04020004', 'reject']);
    const broken = server('alice').bench;
    broken.frame('02 02 0007 0d 00 aa');
    expect(broken.input({ kind: 'computed', result: { ok: false } })).toEqual(['04020004', 'attempt-failed', 'reject']);
    expect(broken.effects.at(-1)).toMatchObject({ denial: 'unavailable' });
  });

  it('discards what is not due: a start, an answer while TLS works, data instead of an acknowledgment', async () => {
    const { bench } = server('alice', handshaking(...Array(2000).fill(7)));
    expect(bench.frame('02 02 0006 0d 20')).toEqual([]);
    bench.frame('02 02 0007 0d 00 aa');
    expect(bench.frame('02 02 0007 0d 00 aa')).toEqual([]);
    const [first] = await bench.compute();
    expect(first).toHaveLength(2 * 1400);
    expect(bench.frame('02 03 0007 0d 00 aa')).toEqual([]);
    expect(bench.frame('02 03 0006 0d 00')).toEqual([expect.stringMatching(/^010402680d00(07)+$/)]);
  });
});

describe('EAP-TLS, peer', () => {
  const client = (...answers: TlsProgress[]): { readonly bench: EapBench; readonly tls: ScriptedTls } => {
    const tls = new ScriptedTls(answers);
    return { bench: new EapBench('peer', [eapTls(tls)]), tls };
  };

  it('TLS 1.2: answers the Start with its flight, acknowledges the last one, and comes in', async () => {
    const { bench, tls } = client(handshaking(1, 2), established('TLSv1.2', []));
    expect(bench.frame('01 02 0006 0d 20')).toEqual(['compute']);
    expect(await bench.compute()).toEqual(['020200080d000102']);
    expect(bench.frame('03 02 0004')).toEqual([]);
    expect(bench.frame('01 03 0008 0d 00 aabb')).toEqual(['compute']);
    expect(await bench.compute()).toEqual(['020300060d00']);
    expect(bench.frame('03 03 0004')).toEqual(['accept']);
    expect(bench.effects.at(-1)).toMatchObject({ identity: 'alice', keys: { send: key(0), receive: key(32) } });
    expect(tls.heard).toEqual(['exchange ', 'exchange aabb']);
  });

  it('TLS 1.3: a Success without the protected success is not believed', async () => {
    const { bench } = client(handshaking(1), established('TLSv1.3', [2]), established('TLSv1.3', [], [0]));
    bench.frame('01 02 0006 0d 20');
    await bench.compute();
    bench.frame('01 03 0007 0d 00 aa');
    expect(await bench.compute()).toEqual(['020300070d0002']);
    expect(bench.frame('03 03 0004')).toEqual([]);
    bench.frame('01 04 0007 0d 00 bb');
    expect(await bench.compute()).toEqual(['020400060d00']);
    expect(bench.frame('03 04 0004')).toEqual(['accept']);
  });

  it('sends its alert and goes when TLS refuses the server', async () => {
    const { bench } = client(refused(9));
    bench.frame('01 02 0006 0d 20');
    expect(await bench.compute()).toEqual(['020200070d0009', 'reject']);
    expect(bench.effects.at(-1)).toMatchObject({ detail: 'the certificate has expired' });
  });

  it('repeats its flight for a Request that comes again, and is silent while TLS works', async () => {
    const { bench } = client(handshaking(1, 2));
    bench.frame('01 02 0006 0d 20');
    expect(bench.frame('01 02 0006 0d 20')).toEqual([]);
    const [flight] = await bench.compute();
    expect(bench.frame('01 02 0006 0d 20')).toEqual([flight]);
  });

  it('discards TLS data before a Start', () => {
    expect(client().bench.frame('01 02 0007 0d 00 aa')).toEqual([]);
  });
});
