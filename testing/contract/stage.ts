import { toHex } from '../../core/bytes/hex.ts';
import { ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { PacketBatch } from '../../core/datapath/packet-batch.ts';
import type { Session } from '../../core/datapath/session.ts';
import { type BatchStep, STAGE_SLOT, type Stage } from '../../core/datapath/stage.ts';
import { type ContractSuite, suite } from '../suite.ts';
import { Dice } from '../support/dice.ts';
import { stillHeld } from '../support/garbage.ts';
import { given, same, withoutThrowing } from '../support/given.ts';
import { anyPacket } from '../support/packets.ts';
import { testSession } from '../support/sessions.ts';
import { batchFault, type TestPacket, type WatchedBatch, watchedBatch } from './watched-batch.ts';

export interface StageRig {
  readonly stage: Stage;
  /** It makes packets itself, out of those that pass or of its own. */
  readonly makesPackets?: boolean;
  /** Prepares a session as the gateway would before packets pass (its `open` is called anyway). */
  readonly prepare?: (session: Session) => void;
  /** Besides random packets: some that it has an opinion of. */
  readonly packets?: (session: Session) => readonly Uint8Array[];
}

const BATCHES = 30;
const BATCH = 24;
const SESSIONS = 50;
const INTRANET = ipv4(0x0a00_0050);
const DIRECTIONS = ['inbound', 'outbound'] as const;
type StepName = (typeof DIRECTIONS)[number];

/** What a stage of the pipeline must do with whatever passes. `setup` makes a stage of its own for each check. */
export const stageContract = (name: string, setup: () => StageRig): ContractSuite =>
  suite(`Stage: ${name}`, {
    'has a name, a slot and a step': () => {
      const { stage } = setup();
      given(/^[a-z][a-z0-9-]*$/.test(stage.name), `"${stage.name}" is no name: lower-case and hyphens`);
      given(Number.isInteger(stage.slot) && stage.slot > STAGE_SLOT.gre, `the slot ${stage.slot} is none behind gre`);
      given(stage.inbound !== undefined || stage.outbound !== undefined, 'it has neither direction');
    },

    'takes any packets of any session, and of none': () => {
      eachBatch(setup, (_rig, _step, batch, direction) => {
        const fault = batchFault(batch);
        given(fault === undefined, `${direction}: ${fault}`);
      });
    },

    'makes no packets out of nothing': () => {
      eachBatch(setup, ({ makesPackets = false }, _step, batch, direction, before) => {
        given(
          makesPackets || batch.taken === before,
          `${direction}: ${batch.taken - before} packets more than came in`,
        );
      });
    },

    'says by the cursor which packet it is working on': () => {
      eachBatch(setup, (_rig, _step, batch, direction) => {
        given(batch.misplaced.length === 0, `${direction}: ${batch.misplaced[0]}`);
      });
    },

    'leaves packets alone that come before its turn': () => {
      eachStep(setup(), (rig, step, direction) => {
        const session = opened(rig, 1);
        const packets = somePackets(rig, [session], new Dice(9), BATCH);
        const batch = watchedBatch(packets);
        const from = BATCH / 2;
        withoutThrowing(`${direction}.process`, () => step.process(batch, from));
        for (let at = 0; at < from; at += 1) {
          given(
            batch.fate(at) === 'live',
            `${direction}: the packet at ${at} was judged, but the turn began at ${from}`,
          );
          same(
            toHex(batch.view(at)),
            toHex(packets[at]?.bytes ?? new Uint8Array(0)),
            `${direction}: ${at} was changed`,
          );
        }
      });
    },

    'has no use for an empty batch': () => {
      eachStep(setup(), (_rig, step, direction) => {
        const batch = watchedBatch([]);
        withoutThrowing(`${direction}.process of nothing`, () => step.process(batch, 0));
        same(batch.taken, 0, `${direction}: packets came out of an empty batch`);
      });
    },

    'treats a session the same, whoever else is there': () => {
      for (const direction of DIRECTIONS) {
        const alone = fatesOf(setup(), direction, 1);
        const among = fatesOf(setup(), direction, 3);
        same(among, alone, `${direction}: packets of one session fared differently beside those of others`);
      }
    },

    'takes a session that closes twice, and one that never opened': () => {
      const rig = setup();
      const { stage } = rig;
      const stranger = testSession(99);
      withoutThrowing('close of a session that never opened', () => stage.close?.(stranger));
      const session = opened(rig, 1);
      withoutThrowing('close', () => stage.close?.(session));
      withoutThrowing('close again', () => stage.close?.(session));
      eachStep(rig, (_rig, step, direction) => {
        const packets = [
          ...somePackets(rig, [session], new Dice(4), 4),
          ...somePackets(rig, [stranger], new Dice(5), 4),
        ];
        withoutThrowing(`${direction}.process after close`, () => step.process(watchedBatch(packets), 0));
      });
    },

    'lets go of sessions that are over': async () => {
      const rig = setup();
      const references = passThrough(rig);
      const held = await stillHeld(references);
      given(held === 0, `${held} of ${SESSIONS} sessions are still held after they closed`);
      // The stage itself must still be there, or nothing would have been shown.
      given(rig.stage.name !== '', 'the stage is gone');
    },
  });

function passThrough(rig: StageRig): readonly WeakRef<object>[] {
  const references: WeakRef<object>[] = [];
  const dice = new Dice(21);
  for (let number = 1; number <= SESSIONS; number += 1) {
    const session = opened(rig, number);
    eachStep(rig, (_rig, step) => {
      const batch = watchedBatch(somePackets(rig, [session], dice, 4), number * 10);
      step.process(batch, 0);
      batch.clear();
    });
    rig.stage.close?.(session);
    references.push(new WeakRef(session));
  }
  return references;
}

function opened({ stage, prepare }: StageRig, number: number): Session {
  const session = testSession(number);
  prepare?.(session);
  withoutThrowing('open', () => stage.open?.(session));
  return session;
}

function eachStep(rig: StageRig, work: (rig: StageRig, step: BatchStep, direction: StepName) => void): void {
  for (const direction of DIRECTIONS) {
    const step = rig.stage[direction];
    if (step !== undefined) work(rig, step, direction);
  }
}

function eachBatch(
  setup: () => StageRig,
  look: (rig: StageRig, step: BatchStep, batch: WatchedBatch, direction: StepName, before: number) => void,
): void {
  eachStep(setup(), (rig, step, direction) => {
    const dice = new Dice(direction.length);
    const sessions = [1, 2, 3].map((number) => opened(rig, number));
    for (let n = 0; n < BATCHES; n += 1) {
      const batch = watchedBatch(somePackets(rig, [...sessions, undefined], dice, dice.number(1, BATCH)), n * 100);
      const before = batch.taken;
      batch.watching = true;
      withoutThrowing(`${direction}.process, batch ${n}`, () => step.process(batch, 0));
      batch.watching = false;
      look(rig, step, batch, direction, before);
      batch.compact(() => undefined);
    }
  });
}

function somePackets(
  { packets }: StageRig,
  sessions: readonly (Session | undefined)[],
  dice: Dice,
  count: number,
): readonly TestPacket[] {
  return Array.from({ length: count }, () => {
    const session = dice.pick(sessions);
    const own = session === undefined ? [] : (packets?.(session) ?? []);
    const inner = session?.address ?? ipv4(0);
    const bytes = own.length > 0 && dice.happens(0.5) ? dice.pick(own) : anyPacket(dice, inner, INTRANET);
    const protocol = dice.happens(0.9) ? 0x0021 : dice.pick([0, 0x0057, 0xc021, 0xffff]);
    return { bytes: bytes.slice(0, 1900), protocol, ...(session === undefined ? {} : { session }) };
  });
}

/** What becomes of the packets of the first session, in batches with those of `count` sessions. */
function fatesOf(rig: StageRig, direction: StepName, count: number): readonly string[] {
  const step = rig.stage[direction];
  if (step === undefined) return [];
  const sessions = Array.from({ length: count }, (_, n) => opened(rig, n + 1));
  const fates: string[] = [];
  for (let n = 0; n < BATCHES; n += 1) {
    const packets = sessions.flatMap((session, at) => somePackets(rig, [session], new Dice(100 * n + at + 1), 4));
    const batch = watchedBatch(packets, n * 1_000);
    step.process(batch, 0);
    fates.push(...fatesOfSession(batch, sessions[0], packets.length));
  }
  return fates;
}

const fatesOfSession = (batch: PacketBatch, session: Session | undefined, taken: number): string[] =>
  Array.from({ length: taken }, (_, index) => index)
    .filter((index) => batch.session[index] === session)
    .map((index) => `${batch.fate(index)} ${toHex(batch.view(index))}`);
