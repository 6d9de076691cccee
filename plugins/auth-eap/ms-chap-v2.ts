import type { EapMethod } from '../../core/ports/eap.ts';
import { EAP_TYPE } from '../../core/wire/eap.ts';
import { EapMsChapV2Authenticator } from './ms-chap-v2-authenticator.ts';
import { EapMsChapV2Peer } from './ms-chap-v2-peer.ts';

/**
 * MS-CHAPv2 inside EAP. Its messages are MS-CHAPv2's CHAP packets (RFC 2759) as type data: OpCode, MS-CHAPv2-ID and
 * MS-Length stand where CHAP has code, identifier and length. Success and Failure are Requests here, which the other side
 * confirms with the OpCode alone. The keys are those of RFC 3079 section 3.
 */
export const eapMsChapV2 = ({ maxAttempts = 3 }: { readonly maxAttempts?: number } = {}): EapMethod => ({
  name: 'ms-chap-v2',
  type: EAP_TYPE.msChapV2,
  yieldsKeys: true,
  begin: (context) =>
    context.role === 'peer' ? new EapMsChapV2Peer(context) : new EapMsChapV2Authenticator(context, maxAttempts),
});
