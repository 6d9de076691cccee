import type { MppeKernel, MppeWork } from '../../core/datapath/mppe-kernel.ts';
import { findKernelFault } from '../../core/datapath/mppe-kernel-check.ts';
import { typescriptKernel } from '../../core/datapath/mppe-kernel-typescript.ts';
import type { Lifecycle } from '../../core/ports/lifecycle.ts';
import type { Log } from '../../core/ports/log.ts';
import type { NativeMppe } from '../../native/mppe.d.ts';
import { loadAddonWith } from '../native-addon/load-addon.ts';

export interface MppeAcceleratorOptions {
  /** `typescript` leaves the addon alone; `auto` uses it where it is there and right. */
  readonly kernel: 'auto' | 'typescript';
}

export interface MppeAcceleratorDependencies {
  readonly log: Log;
  /** Gives the addon's part for MPPE, or throws. */
  readonly load?: () => NativeMppe;
}

const loadMppe = (): NativeMppe => loadAddonWith<NativeMppe>(['mppeBatch']);

const nativeKernel = (addon: NativeMppe): MppeKernel => ({
  name: 'native',
  run: ({ slab, packets, packetCount, streams, streamCount, keys }) =>
    addon.mppeBatch(slab, packets, packetCount, streams, streamCount, keys),
});

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/**
 * The MPPE kernel of a gateway: the addon's when it can be loaded and does at start what the reference does, octet for
 * octet; the one in TypeScript before that, otherwise, and from then on should the addon ever throw.
 */
export class MppeAccelerator implements MppeKernel, Lifecycle {
  readonly name = 'mppe-kernel';
  private readonly log: Log;
  private readonly load: () => NativeMppe;
  private readonly options: MppeAcceleratorOptions;
  private kernel: MppeKernel = typescriptKernel;

  constructor({ log, load = loadMppe }: MppeAcceleratorDependencies, options: MppeAcceleratorOptions) {
    this.log = log;
    this.load = load;
    this.options = options;
  }

  async start(): Promise<void> {
    this.kernel = typescriptKernel;
    if (this.options.kernel === 'typescript') return this.say('PPTP_MPPE_KERNEL');
    const kernel = this.find();
    if (typeof kernel === 'string') return this.warn(kernel);
    this.kernel = kernel;
    this.say('auto: the native addon has it, and agrees with the reference');
  }

  async stop(): Promise<void> {
    this.kernel = typescriptKernel;
  }

  run(work: MppeWork): void {
    try {
      this.kernel.run(work);
    } catch (cause) {
      // The addon checks everything first: it has changed nothing.
      if (this.kernel === typescriptKernel) throw cause;
      this.kernel = typescriptKernel;
      typescriptKernel.run(work);
      this.warn(`it threw: ${messageOf(cause)}`);
    }
  }

  /** The addon's kernel, or why not. */
  private find(): MppeKernel | string {
    let kernel: MppeKernel;
    try {
      kernel = nativeKernel(this.load());
    } catch (cause) {
      return messageOf(cause);
    }
    return findKernelFault(kernel) ?? kernel;
  }

  private say(why: string): void {
    this.log.info('mppe.kernel', 'Packets are encrypted and decrypted by this kernel.', {
      kernel: this.kernel.name,
      why,
    });
  }

  private warn(why: string): void {
    const message = 'The addon cannot be used for MPPE; the kernel in TypeScript takes its place, which is slower.';
    this.log.warn('mppe.kernel', message, { kernel: this.kernel.name, why });
  }
}
