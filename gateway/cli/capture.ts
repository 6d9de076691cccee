import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { InvalidArgumentError, Option } from 'commander';
import { GatewayError } from '../../core/errors.ts';
import type { CaptureEnd } from '../../observability/capture/capture.ts';
import { CAPTURE_POINTS, type CapturePoint, isCapturePoint } from '../../observability/capture/points.ts';
import type { AdminReply } from '../admin/client.ts';
import {
  CAPTURE_ID_HEADER,
  CAPTURE_SUMMARY_TRAILER,
  type CaptureRequest,
  DAY_SECONDS,
} from '../admin/routes/capture.ts';
import { openCaptureFile } from '../capture-file.ts';
import type { MergedSummary } from '../workers/view/merged-capture.ts';
import { type AdminVerbs, ignoreAnswer, type RunningGateway } from './running-gateway.ts';

/** What the verb needs of its process; another one in tests. */
export interface CaptureHost {
  /** Where `-w` leads. Rejects with CAPTURE_FILE, also when `signal` comes first. */
  open(path: string, signal: AbortSignal): Promise<Writable>;
  /** Calls `handler` for each SIGINT and SIGTERM until the result is called. */
  onInterrupt(handler: () => void): () => void;
}

const processHost: CaptureHost = {
  open: openCaptureFile,
  onInterrupt: (handler) => {
    const signals = ['SIGINT', 'SIGTERM'] as const;
    for (const signal of signals) process.on(signal, handler);
    return () => {
      for (const signal of signals) process.removeListener(signal, handler);
    };
  },
};

interface CaptureFlags {
  readonly tunnel?: string;
  readonly user?: string;
  readonly point?: readonly CapturePoint[];
  readonly decrypted?: true;
  readonly packets?: number;
  readonly seconds?: number;
  readonly write: string;
}

const ENDS: Readonly<Record<CaptureEnd, string>> = {
  packets: 'the packets asked for are there',
  seconds: 'the time is over',
  asked: 'stopped',
  'tunnel-ended': 'the tunnel has ended',
  'reader-gone': 'nobody read any more',
  shutdown: 'the gateway stops',
};

const addPoint = (text: string, earlier: readonly CapturePoint[] = []): readonly CapturePoint[] => {
  if (!isCapturePoint(text)) throw new InvalidArgumentError(`One of ${CAPTURE_POINTS.join(', ')}.`);
  return earlier.includes(text) ? earlier : [...earlier, text];
};

const parseCount = (text: string): number => {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count === 0) throw new InvalidArgumentError('A whole number from 1 on.');
  return count;
};

const parseSeconds = (text: string): number => {
  const seconds = parseCount(text);
  if (seconds > DAY_SECONDS) throw new InvalidArgumentError(`At most ${DAY_SECONDS}, a day.`);
  return seconds;
};

const requestOf = ({ point, decrypted, tunnel, user, packets, seconds }: CaptureFlags): CaptureRequest => ({
  ...(point === undefined ? {} : { points: point }),
  ...(decrypted === true ? { decrypted } : {}),
  ...(tunnel === undefined ? {} : { tunnel }),
  ...(user === undefined ? {} : { user }),
  ...(packets === undefined ? {} : { packets }),
  ...(seconds === undefined ? {} : { seconds }),
});

/** "12 packets (gre 8, tun 4) in 3 s: stopped", and what is wrong with that. */
export const describeCapture = ({ points, seconds, end, lostWorkers = [] }: MergedSummary): readonly string[] => {
  const sum = (what: 'written' | 'lost'): number => points.reduce((total, point) => total + point[what], 0);
  const each = points.map(({ point, written }) => `${point} ${written}`).join(', ');
  const why = end === undefined ? 'it still runs' : ENDS[end];
  const lines = [`${sum('written')} packets (${each}) in ${Math.round(seconds)} s: ${why}`];
  if (sum('lost') > 0) {
    lines.push(`${sum('lost')} more were lost because what reads the capture is too slow`);
  }
  for (const worker of lostWorkers) {
    lines.push(`worker ${worker} died meanwhile: what it had captured last is not in the file`);
  }
  return lines;
};

const errno = (cause: unknown): unknown => (cause instanceof Error && 'code' in cause ? cause.code : undefined);

/** A reader that has seen enough ("| head") is no error; a gateway that goes away in the middle is. */
const copy = async (reply: AdminReply, out: Writable, path: string, signal: AbortSignal): Promise<void> => {
  try {
    await pipeline(reply.stream, out);
  } catch (cause) {
    if (errno(cause) === 'EPIPE' || signal.aborted) return;
    if (errno(cause) === 'ECONNRESET' || errno(cause) === 'ERR_STREAM_PREMATURE_CLOSE') {
      const message = 'the gateway went away; the file holds what came before.';
      throw new GatewayError('ADMIN_UNREACHABLE', message, { cause });
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError('CAPTURE_FILE', `${path} could not be written to the end: ${why}.`, { cause });
  }
};

/** How it went; ends what a reader that has gone may have left running. Undefined when the gateway has stopped. */
const summaryOf = async (gateway: RunningGateway, id: string): Promise<MergedSummary | undefined> => {
  try {
    const reply = await gateway.request({ method: 'DELETE', path: `/v1/captures/${id}` });
    return await reply.json<MergedSummary>();
  } catch (cause) {
    if (cause instanceof GatewayError) return undefined;
    throw cause;
  }
};

/** What the gateway has sent behind the file. */
const summaryIn = (reply: AdminReply): MergedSummary | undefined => {
  const text = reply.trailers()[CAPTURE_SUMMARY_TRAILER];
  return text === undefined ? undefined : (JSON.parse(decodeURIComponent(text)) as MergedSummary);
};

/** Adds the verb `capture`. */
export const addCaptureVerb = ({ program, terminal, action }: AdminVerbs, host: CaptureHost = processHost): void => {
  const verb = program
    .command('capture')
    .description('Captures packets of the running gateway as pcapng, for Wireshark and tshark; Ctrl-C ends it.')
    .option('--tunnel <id>', 'only of this tunnel')
    .addOption(new Option('--user <name>', 'only of this user, from the log-in on').conflicts('tunnel'))
    .option(
      '--point <point>',
      `where to look, may be repeated: ${CAPTURE_POINTS.join(', ')} (default: gre; with --decrypted gre and decrypted)`,
      addPoint,
    )
    .option('--decrypted', 'show what tunnels encrypt, and passwords and proofs; PPTP_CAPTURE_DECRYPTED must allow it')
    .option('--packets <number>', 'end after so many packets at all points together', parseCount)
    .option('--seconds <number>', 'end after so many seconds', parseSeconds)
    .requiredOption('-w, --write <file>', 'the file, or - for standard output');
  action(verb, async (gateway) => {
    const flags = verb.opts<CaptureFlags>();
    const abort = new AbortController();
    let id: string | undefined;
    let isOpen = false;
    let interrupts = 0;
    // The first asks the gateway to end the file well, the second does not wait for that.
    const stop = (): void => {
      interrupts += 1;
      if (interrupts > 1 || id === undefined || !isOpen) abort.abort();
      else gateway.request({ method: 'DELETE', path: `/v1/captures/${id}` }).then(ignoreAnswer, () => abort.abort());
    };
    const forget = host.onInterrupt(stop);
    try {
      const order = { method: 'POST', path: '/v1/captures', body: requestOf(flags), signal: abort.signal } as const;
      const reply = await gateway.request(order);
      id = String(reply.headers[CAPTURE_ID_HEADER]);
      // Not before the gateway has agreed: a refusal must not empty a file.
      const out = await host.open(flags.write, abort.signal);
      isOpen = true;
      terminal.err('capturing; Ctrl-C ends it');
      await copy(reply, out, flags.write, abort.signal);
      const summary = (await summaryOf(gateway, id)) ?? summaryIn(reply);
      const lines = summary === undefined ? ['the gateway has stopped'] : describeCapture(summary);
      for (const line of lines) terminal.err(line);
    } catch (cause) {
      // Lets the gateway end what nobody will read.
      abort.abort();
      throw cause;
    } finally {
      forget();
    }
  });
};
