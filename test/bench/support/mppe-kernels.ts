import type { MppeKernel } from '../../../core/datapath/mppe-kernel.ts';
import { typescriptKernel } from '../../../core/datapath/mppe-kernel-typescript.ts';
import { setEncryption } from '../../../core/datapath/mppe-state.ts';
import { PacketBatch } from '../../../core/datapath/packet-batch.ts';
import type { Stage } from '../../../core/datapath/stage.ts';
import { MppeStage } from '../../../core/datapath/stages/mppe.stage.ts';
import { instant } from '../../../core/time.ts';
import { MppeAccelerator } from '../../../plugins/mppe-native/index.ts';
import { address, openSession } from '../../support/batches.ts';
import { ipv4Packet } from '../../support/ipv4-packets.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MppeOneByOne } from '../../support/mppe-one-by-one.ts';
import { type Spread, spread } from './numbers.ts';

const BATCH = 64;
const KEY_UP = new Uint8Array(16).fill(0x5a);
const KEY_DOWN = new Uint8Array(16).fill(0xa5);
const TUNNELS = [1, 8] as const;

export interface KernelCost {
  readonly kernel: string;
  readonly tunnels: number;
  readonly direction: 'out' | 'in';
  readonly sizes: readonly { readonly size: number; readonly cost: Spread }[];
}

export interface KernelBench {
  /** Octets of the inner packet. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly packets: number;
}

/** µs of processor time: what else the machine does is not in it. */
const processorTime = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

const noEvents = { onGarbage: () => undefined, onResetNeeded: () => undefined };

/** The stage without a kernel, with the one in TypeScript, and with the addon's where it can be used. */
const contestants = async (): Promise<readonly (readonly [name: string, stage: Stage])[]> => {
  const log = new MemoryLog();
  const accelerator = new MppeAccelerator({ log }, { kernel: 'auto' });
  await accelerator.start();
  const withKernel = (kernel: MppeKernel): Stage => new MppeStage(noEvents, { clearAllowed: false, kernel });
  const isNative = log.lines.some(({ fields }) => fields['kernel'] === 'native');
  return [
    ['one packet at a time', new MppeOneByOne(noEvents)],
    ['typescript', withKernel(typescriptKernel)],
    ...(isNative ? [['native', withKernel(accelerator)] as const] : []),
  ];
};

/** Both ends of some tunnels through one stage. */
class Lane {
  readonly out: number[] = [];
  readonly in: number[] = [];
  private readonly stage: Stage;
  private readonly ends;
  private readonly packet: Uint8Array;
  private sequence = -1;
  private readonly batch = new PacketBatch(BATCH);

  constructor(stage: Stage, tunnels: number, size: number) {
    this.stage = stage;
    const keys = { send: KEY_UP, receive: KEY_DOWN };
    const mirrored = { send: KEY_DOWN, receive: KEY_UP };
    this.ends = Array.from({ length: tunnels }, (_, at) => {
      const near = openSession([], { local: 2 * at + 1 });
      const far = openSession([], { local: 2 * at + 2 });
      setEncryption(near, { strength: 128, stateless: true, keys });
      setEncryption(far, { strength: 128, stateless: true, keys: mirrored });
      return { near, far };
    });
    const payload = new Uint8Array(size - 20);
    this.packet = ipv4Packet({ source: address('10.99.0.2'), destination: address('10.0.0.80'), payload });
  }

  /** µs per packet of `batches` batches out, and of the same batches in. */
  round(batches: number): void {
    const { batch, ends } = this;
    let out = 0;
    let into = 0;
    for (let turn = 0; turn < batches; turn += 1) {
      batch.clear();
      batch.now = instant(turn);
      for (let at = 0; at < BATCH; at += 1) {
        const index = batch.append(this.packet);
        batch.session[index] = ends[at % ends.length]?.near;
        batch.protocol[index] = 0x21;
      }
      const before = processorTime();
      this.stage.outbound?.process(batch, 0);
      const between = processorTime();
      for (let index = 0; index < BATCH; index += 1) {
        if (index % ends.length === 0) this.sequence += 1;
        batch.session[index] = ends[index % ends.length]?.far;
        batch.sequence[index] = this.sequence;
      }
      const again = processorTime();
      this.stage.inbound?.process(batch, 0);
      into += processorTime() - again;
      out += between - before;
      if (batch.doomed > 0) throw new Error(`${batch.doomed} packets were lost on the way`);
    }
    this.out.push(out / (batches * BATCH));
    this.in.push(into / (batches * BATCH));
  }
}

/** Each kernel in turn, round by round, so that what disturbs one disturbs all. */
export const measureKernels = async ({ sizes, rounds, packets }: KernelBench): Promise<readonly KernelCost[]> => {
  const stages = await contestants();
  const batches = Math.max(1, Math.floor(packets / BATCH));
  const lanes = stages.flatMap(([kernel, stage]) =>
    TUNNELS.map((tunnels) => ({
      kernel,
      tunnels,
      bySize: sizes.map((size) => ({ size, lane: new Lane(stage, tunnels, size) })),
    })),
  );
  // The first round warms up.
  for (let round = -1; round < rounds; round += 1) {
    for (const { bySize } of lanes) for (const { lane } of bySize) lane.round(batches);
  }
  return lanes.flatMap(({ kernel, tunnels, bySize }) =>
    (['out', 'in'] as const).map((direction) => ({
      kernel,
      tunnels,
      direction,
      sizes: bySize.map(({ size, lane }) => ({ size, cost: spread(lane[direction].slice(1)) })),
    })),
  );
};
