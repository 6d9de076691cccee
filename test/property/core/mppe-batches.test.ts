import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { runStep } from '../../../core/datapath/lift.ts';
import type { MppeKernel } from '../../../core/datapath/mppe-kernel.ts';
import { typescriptKernel } from '../../../core/datapath/mppe-kernel-typescript.ts';
import { flushEncryption, MPPE_SLOT, setEncryption } from '../../../core/datapath/mppe-state.ts';
import { PacketBatch } from '../../../core/datapath/packet-batch.ts';
import type { Session } from '../../../core/datapath/session.ts';
import type { Stage } from '../../../core/datapath/stage.ts';
import { MppeStage } from '../../../core/datapath/stages/mppe.stage.ts';
import type { EncryptionParameters } from '../../../core/machine/ppp-link-types.ts';
import { instant } from '../../../core/time.ts';
import { MppeAccelerator } from '../../../plugins/mppe-native/index.ts';
import { address, openSession, silentTelemetry } from '../../support/batches.ts';
import { ipv4Packet } from '../../support/ipv4-packets.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MppeOneByOne } from '../../support/mppe-one-by-one.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { loadAddon } from '../../unit/native/addon.ts';

const KEYS = Array.from({ length: 8 }, (_, at) => seededRandom(at + 1).bytes(16));
const NOISE = seededRandom(77).bytes(1600);
const SOURCE = address('10.99.0.2');
const DESTINATION = address('10.0.0.80');

type Mode = Pick<EncryptionParameters, 'strength' | 'stateless' | 'compression'>;
const anyMode: fc.Arbitrary<Mode> = fc.record({
  strength: fc.constantFrom(40, 56, 128, 128, undefined),
  stateless: fc.constantFrom(true, true, true, false),
  compression: fc.constantFrom(false, false, false, true),
});

/** What happens to one packet: of which session, how long, and what the path does with it. */
interface Step {
  readonly who: number;
  readonly octets: number;
  readonly path: 'good' | 'lost' | 'twice' | 'late' | 'bent' | 'bent header' | 'no sequence' | 'clear';
  readonly before: 'nothing' | 'flush' | 'renegotiation' | 'numbers lost' | 'a cycle lost';
}

const anyPath = fc.constantFrom<Step['path']>(
  ...Array.from({ length: 12 }, () => 'good' as const),
  ...(['lost', 'twice', 'late', 'bent', 'bent header', 'no sequence', 'clear'] as const),
);
const anySteps = fc.array(
  fc.record<Step>({
    who: fc.nat(5),
    octets: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(20, 40, 1400) }, fc.integer({ min: 0, max: 1600 })),
    path: anyPath,
    before: fc.constantFrom<Step['before']>(
      ...Array.from({ length: 30 }, () => 'nothing' as const),
      'flush',
      'renegotiation',
      'numbers lost',
      'a cycle lost',
    ),
  }),
  { minLength: 1, maxLength: 160, size: 'max' },
);

/** One end: a stage with its sessions, and what it told. */
class End {
  readonly sessions: Session[];
  readonly told: string[] = [];
  private readonly stage: Stage;

  constructor(makeStage: (events: ConstructorParameters<typeof MppeStage>[0]) => Stage, thrower: boolean) {
    const tell = (what: string): void => {
      this.told.push(what);
      if (thrower && what.endsWith(' 1')) throw new Error('a listener threw');
    };
    this.stage = makeStage({
      onGarbage: (session, times) => tell(`garbage ${session.id} ${times}`),
      onResetNeeded: (session) => tell(`reset ${session.id}`),
    });
    this.sessions = Array.from({ length: 6 }, (_, at) => openSession([this.stage], { local: at + 1 }));
  }

  encryption(who: number, mode: Mode, epoch: number, mirrored: boolean): void {
    const [one, other] = [KEYS[(who + epoch) % 8] as Uint8Array, KEYS[(who + epoch + 3) % 8] as Uint8Array];
    const keys = mirrored ? { send: other, receive: one } : { send: one, receive: other };
    setEncryption(this.sessions[who] as Session, { ...mode, keys });
  }

  run(direction: 'in' | 'out', batch: PacketBatch): void {
    const step = direction === 'in' ? this.stage.inbound : this.stage.outbound;
    if (step === undefined) throw new Error('the stage has both directions');
    const telemetry = { ...silentTelemetry, fault: () => this.told.push('fault') };
    runStep(step, 'mppe', direction, batch, telemetry, (reason, count) => this.told.push(`${reason} ${count}`));
  }
}

interface Packet {
  readonly who: number;
  readonly protocol: number;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

const fill = (packets: readonly Packet[], sessions: readonly Session[], now: number): PacketBatch => {
  const batch = new PacketBatch(Math.max(1, packets.length));
  batch.now = instant(now);
  for (const { who, protocol, sequence, bytes } of packets) {
    const index = batch.append(bytes);
    batch.session[index] = sessions[who];
    batch.protocol[index] = protocol;
    batch.sequence[index] = sequence;
  }
  return batch;
};

/** All that the engines of a session know, but for what they only use between two packets. */
const stateOf = (session: Session): unknown => {
  const { sender, receiver } = session.get(MPPE_SLOT) ?? {};
  const get = (from: unknown, name: string): unknown =>
    typeof from === 'object' && from !== null ? Reflect.get(from, name) : undefined;
  const keys = [sender, receiver].map((engine) => get(get(engine, 'sessionKey'), 'key'));
  const fields = [
    ...['last', 'lastSequence', 'earlierKey', 'earlierLast', 'earlierSequence', 'lost', 'resets', 'streak'],
    ...['resetChangesKey', 'askAt', 'foreseen'],
  ].map((name) => get(receiver, name));
  return { keys, fields, budget: get(receiver, 'budget'), sender: [get(sender, 'count'), get(sender, 'flush')] };
};

/** What is left of a batch: which packets, and all their octets. */
const rest = (batch: PacketBatch): readonly string[] =>
  Array.from({ length: batch.count }, (_, at) => {
    const index = batch.order[at] ?? 0;
    return `${index} ${batch.protocol[index]} ${batch.offset[index]} ${Buffer.from(batch.view(index)).toString('hex')}`;
  });

const bend = (bytes: Uint8Array, at: number): Uint8Array => {
  const bent = bytes.slice();
  const place = at % Math.max(1, bent.length);
  if (bent.length > 0) bent[place] = (bent[place] ?? 0) ^ 0x40;
  return bent;
};

/** Packets of the same steps on the way, after what the path did. */
const travel = (steps: readonly Step[], sent: readonly (Packet | undefined)[]): readonly Packet[] => {
  const arriving: Packet[] = [];
  const late: Packet[] = [];
  sent.forEach((packet, at) => {
    const path = steps[at]?.path ?? 'good';
    if (packet === undefined || path === 'lost') return;
    if (path === 'late') {
      late.push(packet);
      return;
    }
    const { bytes } = packet;
    if (path === 'bent') arriving.push({ ...packet, bytes: bend(bytes, 2 + (at % 3)) });
    else if (path === 'bent header') arriving.push({ ...packet, bytes: bend(bytes, at % 2) });
    else if (path === 'no sequence') arriving.push({ ...packet, sequence: -1 });
    else if (path === 'clear') arriving.push({ ...packet, protocol: 0x21, bytes: NOISE.subarray(0, 40) });
    else arriving.push(packet);
    if (path === 'twice') arriving.push(packet);
    if (at % 7 === 0) arriving.push(...late.splice(0));
  });
  return [...arriving, ...late];
};

let native: MppeAccelerator;
beforeAll(async () => {
  loadAddon();
  const log = new MemoryLog();
  native = new MppeAccelerator({ log }, { kernel: 'auto' });
  await native.start();
  expect(log.lines.map(({ fields }) => fields['kernel'])).toEqual(['native']);
}, 120_000);

describe.each(['typescript', 'native'])('the stage with the kernel %s', (name) => {
  const kernel = (): MppeKernel => (name === 'native' ? native : typescriptKernel);

  test('does what one packet after the other does: losses, copies, forgeries, resets, every mode, any split', () => {
    fc.assert(
      fc.property(
        fc.array(anyMode, { minLength: 6, maxLength: 6 }),
        anySteps,
        fc.array(fc.integer({ min: 1, max: 140 }), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        (modes, steps, splits, thrower) => {
          const ends = [
            new End((events) => new MppeStage(events, { clearAllowed: false, kernel: kernel() }), thrower),
            new End((events) => new MppeOneByOne(events), thrower),
          ];
          const far = new End((events) => new MppeOneByOne(events), false);
          const epochs = new Map<number, number>();
          const agree = (who: number): void => {
            const epoch = (epochs.get(who) ?? -1) + 1;
            epochs.set(who, epoch);
            for (const end of ends) end.encryption(who, modes[who] as Mode, epoch, false);
            far.encryption(who, modes[who] as Mode, epoch, true);
            sequences[who] = -1;
          };
          const sequences = new Array<number>(6).fill(-1);
          for (let who = 0; who < 6; who += 1) agree(who);

          for (let from = 0, turn = 0; from < steps.length; turn += 1) {
            const part = steps.slice(from, from + (splits[turn % splits.length] ?? 1));
            from += part.length;
            for (const { who, before } of part) {
              if (before === 'renegotiation') agree(who);
              if (before === 'flush') {
                for (const end of [...ends, far]) flushEncryption(end.sessions[who] as Session);
              }
              if (before === 'numbers lost') sequences[who] = (sequences[who] ?? 0) + 3;
              if (before === 'a cycle lost') sequences[who] = (sequences[who] ?? 0) + 4097;
            }
            const plain = part.map(({ who, octets }, at): Packet => {
              const payload = NOISE.subarray(0, Math.max(0, octets - 20));
              const bytes = ipv4Packet({ source: SOURCE, destination: DESTINATION, payload });
              return { who, protocol: at % 11 === 10 ? 0xc021 : 0x21, sequence: -1, bytes };
            });

            const out = ends.map((end) => {
              const batch = fill(plain, end.sessions, turn);
              end.run('out', batch);
              return rest(batch);
            });
            expect(out[0]).toEqual(out[1]);

            const batch = fill(plain, far.sessions, turn);
            far.run('out', batch);
            const sent = part.map(({ who }, index): Packet | undefined => {
              if (!batch.isLive(index)) return undefined;
              sequences[who] = (sequences[who] ?? -1) + 1;
              const sequence = sequences[who] ?? 0;
              return { who, protocol: batch.protocol[index] ?? 0, sequence, bytes: batch.view(index).slice() };
            });
            const arriving = travel(part, sent);
            const results = ends.map((end) => {
              const inbound = fill(arriving, end.sessions, turn * 300);
              end.run('in', inbound);
              return rest(inbound);
            });
            expect(results[0]).toEqual(results[1]);
            expect(ends[0]?.told).toEqual(ends[1]?.told);
            expect(ends[0]?.sessions.map(stateOf)).toEqual(ends[1]?.sessions.map(stateOf));
          }
        },
      ),
      { numRuns: 80 },
    );
  }, 120_000);

  test('gives back every packet of a good path, from sender to receiver, with batches larger than a run', () => {
    const near = new End((events) => new MppeStage(events, { clearAllowed: false, kernel: kernel() }), false);
    const far = new End((events) => new MppeStage(events, { clearAllowed: false, kernel: kernel() }), false);
    const mode: Mode = { strength: 128, stateless: true, compression: false };
    for (let who = 0; who < 6; who += 1) {
      near.encryption(who, mode, 0, false);
      far.encryption(who, mode, 0, true);
    }
    const sequences = new Array<number>(6).fill(-1);
    // More than a cycle of the coherency count.
    for (let turn = 0; turn < 60; turn += 1) {
      const plain = Array.from({ length: 128 }, (_, at): Packet => {
        const payload = NOISE.subarray(0, (at * 37 + turn) % 1400);
        const bytes = ipv4Packet({ source: SOURCE, destination: DESTINATION, payload });
        return { who: at % 4 === 0 ? at % 6 : 1, protocol: 0x21, sequence: -1, bytes };
      });
      const out = fill(plain, near.sessions, turn);
      near.run('out', out);
      const arriving = plain.map(({ who }, index): Packet => {
        sequences[who] = (sequences[who] ?? -1) + 1;
        return { who, protocol: 0xfd, sequence: sequences[who] ?? 0, bytes: out.view(index).slice() };
      });
      const inbound = fill(arriving, far.sessions, turn);
      far.run('in', inbound);
      expect(inbound.count).toBe(128);
      plain.forEach(({ bytes }, index) => {
        expect(Buffer.compare(inbound.view(index), bytes)).toBe(0);
      });
    }
    expect([...near.told, ...far.told]).toEqual([]);
  }, 30_000);
});
