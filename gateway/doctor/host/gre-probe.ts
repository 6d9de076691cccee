import { randomInt } from 'node:crypto';
import type { GreDriver } from '../../../config/types.ts';
import { formatIpv4, type Ipv4 } from '../../../core/bytes/ipv4-address.ts';
import { PacketBatch } from '../../../core/datapath/packet-batch.ts';
import type { GreSocket } from '../../../core/ports/packet-io.ts';
import { emptyGreHeader, type GreHeader, greLength, parseGre, writeGre } from '../../../core/wire/gre.ts';
import { greSocket } from '../../gre-driver.ts';
import type { GreSocketFacts } from '../checks/gre-socket.ts';
import { messageOf } from './system.ts';

const NONE = -1;
const notAborted = { aborted: false, addEventListener: (): void => undefined };

/** What a GRE packet says, besides its payload. */
export interface HeardGre {
  readonly source: number;
  readonly header: Readonly<GreHeader>;
}

/** A raw GRE socket, by the driver that the gateway would use, that sends single packets and tells what arrives. */
export class GreProbe {
  /** A packet was refused by the kernel. */
  refused = false;
  private readonly socket: GreSocket;
  private readonly batch = new PacketBatch(1);
  private readonly header = emptyGreHeader();

  private constructor(driver: GreDriver) {
    this.socket = greSocket(driver, {
      dropped: (_stage, direction) => {
        if (direction === 'out') this.refused = true;
      },
    });
  }

  get driver(): string {
    return this.socket.driver;
  }

  /** Throws GatewayError NATIVE_MISSING, NOT_ROOT or GRE_SOCKET. `hear` is called for each well-formed packet. */
  static async open(driver: GreDriver, hear: (packet: HeardGre) => void): Promise<GreProbe> {
    const probe = new GreProbe(driver);
    probe.socket.batches$.subscribe({
      next: (batch) => {
        for (let i = 0; i < batch.count; i += 1) {
          const at = batch.order[i] ?? 0;
          const fault = parseGre(batch.slab, batch.offset[at] ?? 0, batch.length[at] ?? 0, probe.header);
          if (fault === undefined) hear({ source: batch.outerSource[at] ?? 0, header: { ...probe.header } });
        }
      },
      error: () => undefined,
    });
    await probe.socket.start(notAborted);
    return probe;
  }

  /** -1 leaves the sequence or the acknowledgment number out. */
  send(from: Ipv4, to: Ipv4, callId: number, sequence: number, acknowledgment: number, payload: Uint8Array): void {
    const { batch } = this;
    batch.clear();
    const headerLength = greLength(sequence, acknowledgment);
    const index = batch.take(headerLength + payload.length);
    const at = batch.offset[index] ?? 0;
    writeGre(batch.slab, at, callId, payload.length, sequence, acknowledgment);
    batch.slab.set(payload, at + headerLength);
    batch.outerEndpoints(index, from, to);
    this.socket.write(batch);
  }

  close(): Promise<void> {
    return this.socket.stop();
  }
}

const WAIT_MS = 1000;

/** Sends a lone acknowledgment of no call from an address of this host to itself: who hears it has no use for it. */
export const probeOwnGre = async (driver: GreDriver, address: Ipv4): Promise<GreSocketFacts> => {
  const mark = randomInt(2 ** 32);
  const callId = randomInt(2 ** 16);
  const nothing = new Uint8Array(0);
  let probe: GreProbe | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    const heard = await new Promise<boolean>((resolve, reject) => {
      const isOurs = ({ header }: HeardGre): boolean => header.callId === callId && header.acknowledgment === mark;
      GreProbe.open(driver, (packet) => {
        if (isOurs(packet)) resolve(true);
      }).then((opened) => {
        probe = opened;
        opened.send(address, address, callId, NONE, mark, nothing);
        if (opened.refused) resolve(false);
        timer = setTimeout(() => resolve(false), WAIT_MS);
      }, reject);
    });
    const own = heard ? 'heard' : probe?.refused === true ? 'refused' : 'silent';
    return { kind: 'open', driver: probe?.driver ?? driver, address: formatIpv4(address), own };
  } catch (cause) {
    return { kind: 'closed', message: messageOf(cause) };
  } finally {
    clearTimeout(timer);
    await probe?.close();
  }
};
