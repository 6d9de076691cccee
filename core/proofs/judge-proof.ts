import type { AuthKind, AuthKinds } from '../ports/auth.ts';
import {
  msChapV1Grant,
  msChapV2Grant,
  provenByChapMd5,
  provenByMsChapV1,
  provenByMsChapV2,
  provenByPap,
  type Secrets,
} from './proofs.ts';

type Judges = {
  readonly [K in AuthKind]?: (request: AuthKinds[K]['request'], secrets: Secrets) => AuthKinds[K]['grant'] | undefined;
};

const JUDGES: Judges = {
  pap: (request, secrets) => (provenByPap(request, secrets) ? {} : undefined),
  'chap-md5': (request, secrets) => (provenByChapMd5(request, secrets) ? {} : undefined),
  'ms-chap-v1': (request, secrets) =>
    provenByMsChapV1(request, secrets) ? msChapV1Grant(request, secrets.ntHash) : undefined,
  'ms-chap-v2': (request, secrets) =>
    provenByMsChapV2(request, secrets) ? msChapV2Grant(request, secrets.ntHash) : undefined,
};

/** Kinds of proof that `judgeProof` can judge; CHAP-MD5 needs the password itself. */
export const judgesProof = (kind: AuthKind): boolean => JUDGES[kind] !== undefined;

/**
 * For back-ends that know a user's password or its NT hash: what a right proof is granted; undefined when the proof is
 * wrong, or of a kind that `judgesProof` denies. Takes as long for a wrong proof as for a right one, but for the keys.
 */
export const judgeProof = <K extends AuthKind>(
  kind: K,
  request: AuthKinds[K]['request'],
  secrets: Secrets,
): AuthKinds[K]['grant'] | undefined => {
  const judge: Judges[K] | undefined = JUDGES[kind];
  return judge?.(request, secrets);
};
