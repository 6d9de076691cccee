import { STAGE_SLOT } from '../../core/datapath/stage.ts';
import type { IpsecHook } from '../../core/ports/ipsec-hook.ts';
import { type ContractSuite, suite } from '../suite.ts';
import { testFacts } from '../support/sessions.ts';
import { type StageRig, stageContract } from './stage.ts';
import { listenerChecks } from './told.ts';

export interface IpsecHookRig {
  readonly hook: IpsecHook;
  /** It makes packets of its own (a key exchange, for instance). */
  readonly makesPackets?: boolean;
  /** Besides random packets: some that it has an opinion of. */
  readonly packets?: StageRig['packets'];
}

/** What a hook in the slot `ipsec` must do: its steps what those of a stage must, and what a listener must. */
export const ipsecHookContract = (name: string, setup: () => IpsecHookRig): ContractSuite => {
  const told = suite(
    '',
    listenerChecks((work) => async () => work({ listener: setup().hook })),
  );
  const stage = stageContract('', () => {
    const { hook, makesPackets, packets } = setup();
    const numberOf = (id: string): number => Number(id.replace(/\D/g, ''));
    return {
      stage: {
        name: hook.name,
        slot: STAGE_SLOT.ipsec,
        ...(hook.inbound === undefined ? {} : { inbound: hook.inbound }),
        ...(hook.outbound === undefined ? {} : { outbound: hook.outbound }),
        open: (session) => hook.up?.(testFacts(numberOf(session.id)), session),
        close: (session) => {
          const ending = { reason: 'peer-request', detail: 'the session is over' } as const;
          const usage = { octetsIn: 0, octetsOut: 0, packetsIn: 0, packetsOut: 0 };
          hook.down?.(testFacts(numberOf(session.id)), ending, usage, session);
        },
      },
      ...(makesPackets === undefined ? {} : { makesPackets }),
      ...(packets === undefined ? {} : { packets }),
    };
  });
  const steps = stage.checks.map((check) => ({ ...check, name: `steps: ${check.name}` }));
  return { name: `IpsecHook: ${name}`, checks: [...told.checks, ...steps] };
};
