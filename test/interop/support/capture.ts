import { spawn } from 'node:child_process';
import { waitFor } from './wait.ts';

/** A running capture of PPTP control and GRE packets. */
export interface Capture {
  readonly file: string;
  /** Resolves when the file holds every packet seen until now. */
  stop(): Promise<void>;
}

interface Counts {
  readonly written: number;
  readonly seen: number;
}

/** Captures on an interface of a namespace into a pcap file; resolves when packets are being seen. */
export async function startCapture(namespace: string, interfaceName: string, file: string): Promise<Capture> {
  const options = ['-Z', 'root', '-i', interfaceName, '--immediate-mode', '-U', '-s', '0', '-w', file];
  const tcpdump = ['tcpdump', ...options, 'tcp port 1723 or proto 47'];
  const child = spawn('ip', ['netns', 'exec', namespace, ...tcpdump], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  let ended = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const closed = new Promise<void>((resolve) =>
    child.once('close', () => {
      ended = true;
      resolve();
    }),
  );
  const hear = <T>(what: string, ask: () => T | undefined): Promise<T> =>
    waitFor(what, () => {
      if (ended) throw new Error(`tcpdump ended: ${said}`);
      return ask();
    });
  await hear('tcpdump to listen', () => (said.includes('listening on') ? true : undefined));

  async function counts(): Promise<Counts> {
    said = '';
    child.kill('SIGUSR1'); // tcpdump's way to be asked
    return hear('tcpdump to count', () => {
      const [, written, seen] = /(\d+) packets? captured[,\s]+(\d+) packets? received by filter/.exec(said) ?? [];
      return written === undefined || seen === undefined ? undefined : { written: Number(written), seen: Number(seen) };
    });
  }

  return {
    file,
    stop: async () => {
      // Packets that the kernel still holds would be lost by ending tcpdump now.
      const { seen } = await counts();
      await waitFor('tcpdump to write what it saw', async () => ((await counts()).written >= seen ? true : undefined));
      child.kill('SIGINT');
      await closed;
    },
  };
}
