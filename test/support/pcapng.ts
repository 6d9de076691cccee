/** A reader of pcapng files of its own, for what the gateway writes: little-endian, one section. */
export interface PcapngInterface {
  readonly name: string;
  readonly linkType: number;
  readonly description: string;
}

export interface PcapngPacket {
  /** Name of the interface. */
  readonly point: string;
  /** Microseconds since 1970. */
  readonly time: number;
  readonly direction: 'in' | 'out';
  readonly bytes: Uint8Array;
  readonly originalLength: number;
  readonly packetId: number;
  readonly lostBefore: number;
  readonly comment: string | undefined;
}

export interface PcapngStatistics {
  readonly point: string;
  readonly received: number;
  readonly dropped: number;
  readonly delivered: number;
  readonly comment: string | undefined;
}

export interface PcapngFile {
  readonly application: string;
  readonly comment: string;
  readonly interfaces: readonly PcapngInterface[];
  readonly packets: readonly PcapngPacket[];
  readonly statistics: readonly PcapngStatistics[];
}

type Options = ReadonlyMap<number, Uint8Array>;

const readOptions = (bytes: Uint8Array, view: DataView, from: number, to: number): Options => {
  const options = new Map<number, Uint8Array>();
  for (let at = from; at + 4 <= to; ) {
    const code = view.getUint16(at, true);
    const length = view.getUint16(at + 2, true);
    if (code === 0) break;
    options.set(code, bytes.slice(at + 4, at + 4 + length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return options;
};

const text = (options: Options, code: number): string | undefined => {
  const value = options.get(code);
  return value === undefined ? undefined : new TextDecoder().decode(value);
};

const number = (options: Options, code: number): number =>
  [...(options.get(code) ?? [])].reduce((sum, octet, place) => sum + octet * 256 ** place, 0);

const time = (view: DataView, at: number): number => view.getUint32(at, true) * 2 ** 32 + view.getUint32(at + 4, true);

/** Throws on anything that is no whole file. */
export const readPcapng = (octets: Uint8Array): PcapngFile => {
  // A copy: a part of a Buffer is a Buffer, which is never equal to an array of octets.
  const file = new Uint8Array(octets);
  const view = new DataView(file.buffer);
  let header: Options = new Map();
  const interfaces: PcapngInterface[] = [];
  const packets: PcapngPacket[] = [];
  const statistics: PcapngStatistics[] = [];
  const nameOf = (at: number): string => interfaces[view.getUint32(at, true)]?.name ?? 'unknown';
  for (let at = 0; at < file.length; ) {
    const type = view.getUint32(at, true);
    const length = view.getUint32(at + 4, true);
    const end = at + length - 4;
    if (length < 12 || length % 4 !== 0 || end + 4 > file.length || view.getUint32(end, true) !== length) {
      throw new Error(`broken block of type ${type} at ${at}`);
    }
    if (type === 0x0a0d0d0a) {
      if (at !== 0 || view.getUint32(8, true) !== 0x1a2b3c4d) throw new Error('broken section header');
      header = readOptions(file, view, at + 24, end);
    } else if (type === 1) {
      const options = readOptions(file, view, at + 16, end);
      interfaces.push({
        name: text(options, 2) ?? '',
        linkType: view.getUint16(at + 8, true),
        description: text(options, 3) ?? '',
      });
    } else if (type === 6) {
      const captured = view.getUint32(at + 20, true);
      const options = readOptions(file, view, at + 28 + Math.ceil(captured / 4) * 4, end);
      packets.push({
        point: nameOf(at + 8),
        time: time(view, at + 12),
        direction: (number(options, 2) & 3) === 1 ? 'in' : 'out',
        bytes: file.slice(at + 28, at + 28 + captured),
        originalLength: view.getUint32(at + 24, true),
        packetId: number(options, 5),
        lostBefore: number(options, 4),
        comment: text(options, 1),
      });
    } else if (type === 5) {
      const options = readOptions(file, view, at + 20, end);
      statistics.push({
        point: nameOf(at + 8),
        received: number(options, 4),
        dropped: number(options, 5),
        delivered: number(options, 8),
        comment: text(options, 1),
      });
    } else {
      throw new Error(`block of unknown type ${type}`);
    }
    at = end + 4;
  }
  return { application: text(header, 4) ?? '', comment: text(header, 1) ?? '', interfaces, packets, statistics };
};
