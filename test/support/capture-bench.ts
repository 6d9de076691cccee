import { Capture, type CaptureOrder } from '../../observability/capture/capture.ts';
import { type CaptureRefusal, Captures } from '../../observability/capture/captures.ts';
import type { GatewayLab } from './gateway-lab.ts';
import { type PcapngFile, readPcapng } from './pcapng.ts';

/** When captures of the lab begin: 2026-01-01. */
export const WALL_CLOCK_MS = 1_767_225_600_000;

export const capturesOf = (
  lab: GatewayLab,
  options: { readonly allowDecrypted?: boolean; readonly room?: number } = {},
): Captures =>
  new Captures({
    probes: lab.gateway.probes,
    stages: lab.gateway.stages,
    tunnels: () => lab.gateway.tunnels(),
    clock: lab.clock,
    log: lab.log,
    version: '1.2.3',
    allowDecrypted: options.allowDecrypted ?? true,
    wallClock: () => WALL_CLOCK_MS,
    ...(options.room === undefined ? {} : { room: options.room }),
  });

export const order = (changes: Partial<CaptureOrder> = {}): CaptureOrder => ({
  points: ['gre', 'ppp', 'decrypted', 'tun'],
  decrypted: true,
  filter: { kind: 'all' },
  who: 'root',
  ...changes,
});

export const started = (result: Capture | CaptureRefusal): Capture => {
  if (result instanceof Capture) return result;
  throw new Error(`the capture was refused: ${result.message}`);
};

/** Reads a capture to its end, which somebody else brings about. */
export const octetsOf = async (capture: Capture): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of capture.stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};

/** What a capture holds of the packets that pass while `work` is done. */
export const captured = async (capture: Capture, work: () => Promise<unknown>): Promise<PcapngFile> => {
  const octets = octetsOf(capture);
  await work();
  capture.end('asked');
  return readPcapng(await octets);
};
