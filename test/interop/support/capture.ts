import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

/** A running capture of PPTP control and GRE packets. */
export interface Capture {
  readonly file: string;
  /** Resolves when the file is complete. */
  stop(): Promise<void>;
}

/** Captures on an interface of a namespace into a pcap file; resolves when packets are being seen. */
export async function startCapture(namespace: string, interfaceName: string, file: string): Promise<Capture> {
  const tcpdump = [
    'tcpdump',
    '-Z',
    'root',
    '-i',
    interfaceName,
    '-U',
    '-s',
    '0',
    '-w',
    file,
    'tcp port 1723 or proto 47',
  ];
  const child = spawn('ip', ['netns', 'exec', namespace, ...tcpdump], { stdio: ['ignore', 'ignore', 'pipe'] });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await listening(child, closed);
  return {
    file,
    stop: async () => {
      child.kill('SIGINT');
      await closed;
    },
  };
}

function listening(child: ChildProcessByStdio<null, null, Readable>, closed: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('listening on')) resolve();
    });
    child.once('error', reject);
    void closed.then(() => reject(new Error(`tcpdump ended: ${said}`)));
  });
}
