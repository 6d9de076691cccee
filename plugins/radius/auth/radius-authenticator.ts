import { asciiBytes } from '../../../core/bytes/ascii.ts';
import { withoutDomain } from '../../../core/crypto/ms-chap-v2.ts';
import type { Authenticator, AuthKind, AuthKinds, BackEndAnswer, ProofOrigin } from '../../../core/ports/auth.ts';
import type { CancelSignal } from '../../../core/ports/cancel.ts';
import type { RadiusClient, Seal } from '../client/index.ts';
import { callAttributes, type NasOptions } from '../nas.ts';
import { ATTRIBUTE, type Attribute, CODE, MAX_NAME_LENGTH, MAX_PASSWORD_LENGTH, octets } from '../wire/index.ts';
import type { Judgement } from './judgement.ts';
import { msChapV1Keys, sessionKeys } from './keys.ts';
import { PROOFS, type RadiusKind } from './proof-attributes.ts';

export interface RadiusAuthenticatorOptions {
  readonly nas: NasOptions;
  /** Kinds that are asked there. */
  readonly kinds: readonly RadiusKind[];
  /** "CORP\\alice" is asked for as "alice". */
  readonly stripDomain: boolean;
  /** A user that the server rejects may be one of the next back-end. */
  readonly passRejected: boolean;
}

export interface RadiusAuthenticatorDeps {
  readonly client: Pick<RadiusClient, 'ask'>;
  readonly judgement: Judgement;
}

type Request<K extends AuthKind> = AuthKinds[K]['request'];

/** One kind of proof: what is sent of it, and what goes with it when it is right; undefined: the answer lacks that. */
interface Method<K extends AuthKind> {
  prove(request: Request<K>, seal: Seal): readonly Attribute[];
  grant(request: Request<K>, attributes: readonly Attribute[], seal: Seal): AuthKinds[K]['grant'] | undefined;
}
type Methods = { readonly [K in AuthKind]?: Method<K> };

/** Takes proofs to RADIUS servers (RFC 2865, RFC 2548). */
export class RadiusAuthenticator implements Authenticator {
  readonly name = 'radius';
  private readonly options: RadiusAuthenticatorOptions;
  private readonly deps: RadiusAuthenticatorDeps;
  private readonly methods: Methods;

  constructor(options: RadiusAuthenticatorOptions, deps: RadiusAuthenticatorDeps) {
    this.options = options;
    this.deps = deps;
    const { judgement } = deps;
    const nothing = () => ({});
    type Found = readonly Attribute[];
    const version1 = ({ challenge }: { readonly challenge: Uint8Array }, attributes: Found, seal: Seal) => ({
      keys: judgement.keys(msChapV1Keys(attributes, seal, challenge)),
    });
    const version2 = (_request: unknown, attributes: Found, seal: Seal) => {
      const authenticatorResponse = judgement.authenticatorResponse(attributes);
      if (authenticatorResponse === undefined) return undefined;
      return { authenticatorResponse, keys: judgement.keys(sessionKeys(attributes, seal)) };
    };
    this.methods = {
      pap: { prove: PROOFS.pap, grant: nothing },
      'chap-md5': { prove: PROOFS['chap-md5'], grant: nothing },
      'ms-chap-v1': { prove: PROOFS['ms-chap-v1'], grant: version1 },
      'ms-chap-v1-change': { prove: PROOFS['ms-chap-v1-change'], grant: version1 },
      'ms-chap-v2': { prove: PROOFS['ms-chap-v2'], grant: version2 },
      'ms-chap-v2-change': { prove: PROOFS['ms-chap-v2-change'], grant: version2 },
    };
  }

  supports(kind: AuthKind): boolean {
    return this.options.kinds.some((one) => one === kind);
  }

  async verify<K extends AuthKind>(
    kind: K,
    request: Request<K>,
    signal: CancelSignal,
    origin: ProofOrigin,
  ): Promise<BackEndAnswer<K>> {
    const method: Methods[K] = this.methods[kind];
    if (method === undefined || !this.supports(kind)) return { ok: false, denial: 'unavailable' };
    const { nas, stripDomain } = this.options;
    const name = stripDomain ? withoutDomain(request.userName) : request.userName;
    // What RADIUS cannot carry is no name and no password of a user there. Empty attributes are against RFC 2865 section 5:
    // servers drop such a request, and would be taken for dead.
    const longPassword = 'password' in request && request.password.length > MAX_PASSWORD_LENGTH;
    if (longPassword || name === '' || name.length > MAX_NAME_LENGTH) return { ok: false, denial: 'bad-credentials' };
    const { packet, seal } = await this.deps.client.ask(
      {
        code: CODE.accessRequest,
        attributes: (current) => [
          octets(ATTRIBUTE.userName, asciiBytes(name)),
          ...method.prove(request, current),
          ...callAttributes(nas, origin.session),
        ],
      },
      signal,
    );
    const { judgement } = this.deps;
    const { code, attributes } = packet;
    if (code === CODE.accessChallenge) {
      judgement.challenged(kind);
      return { ok: false, denial: 'unavailable' };
    }
    if (code !== CODE.accessAccept) return this.rejected(attributes, name);
    const admitted = judgement.admitted(attributes, name);
    const grant = method.grant(request, attributes, seal);
    if (admitted === undefined || grant === undefined) return { ok: false, denial: 'unavailable' };
    return { ok: true, ...admitted, grant };
  }

  private rejected(attributes: readonly Attribute[], name: string): BackEndAnswer & { readonly ok: false } {
    const denial = this.deps.judgement.rejection(attributes, name) ?? 'bad-credentials';
    const passed = denial === 'bad-credentials' && this.options.passRejected;
    return { ok: false, denial: passed ? 'unknown-user' : denial };
  }
}
