import { randomInt } from 'node:crypto';
import type { GreDriver } from '../../../config/types.ts';
import { writeU32 } from '../../../core/bytes/bytes.ts';
import { formatIpv4 } from '../../../core/bytes/ipv4-address.ts';
import { GatewayError } from '../../../core/errors.ts';
import { CODE, encodeConfigPacket, encodeOptions } from '../../../core/wire/ppp-config.ts';
import { BEARER, FRAMING, OUTGOING_RESULT, START_RESULT } from '../../../core/wire/pptp-message-codes.ts';
import { connectControl, type DialledPipe } from '../../../plugins/control-pptp/index.ts';
import { hearGreRefusals } from '../../../plugins/io-raw-gre/index.ts';
import type { IcmpRefusal, PeerFacts } from '../checks/peer.ts';
import { ControlDialogue } from './control-dialogue.ts';
import { GreProbe } from './gre-probe.ts';
import { messageOf } from './system.ts';

export interface PeerProbeOptions {
  readonly host: string;
  readonly port: number;
  /** Name we give ourselves. */
  readonly hostName: string;
  readonly vendor: string;
  /** Of GRE. */
  readonly driver: GreDriver;
}

const TCP_MS = 5000;
const REPLY_MS = 5000;
const STOP_MS = 1000;
/** LCP Configure-Requests, and the wait after each. */
const REQUESTS = 4;
const REQUEST_MS = 1000;
const PROTOCOL_VERSION = 0x0100;
/** Any PPP frame starts so: address, control, LCP. */
const LCP = Uint8Array.of(0xff, 0x03, 0xc0, 0x21);
const MAGIC_NUMBER = 5;
const WINDOW = 64;
const SPEED = 100_000_000;

/**
 * Calls a PPTP server as a client does, up to the first LCP packet, and hangs up: no user, no password. The server sees a
 * call that ends before authentication.
 */
export const probePeer = async (options: PeerProbeOptions): Promise<PeerFacts> => {
  let line: DialledPipe;
  try {
    const { host, port } = options;
    line = await connectControl({ host, port, timeoutMs: TCP_MS }, new AbortController().signal);
  } catch (cause) {
    return { kind: 'unconnected', message: messageOf(cause) };
  }
  const dialogue = new ControlDialogue(line.pipe);
  try {
    return await converse(dialogue, line, options);
  } catch (cause) {
    if (cause instanceof GatewayError) return { kind: 'no-socket', message: cause.message };
    throw cause;
  } finally {
    dialogue.close();
  }
};

const converse = async (
  dialogue: ControlDialogue,
  line: DialledPipe,
  { hostName, vendor, driver }: PeerProbeOptions,
): Promise<PeerFacts> => {
  const started = await dialogue.ask(
    {
      kind: 'start-control-connection-request',
      protocolVersion: PROTOCOL_VERSION,
      framingCapabilities: FRAMING.either,
      bearerCapabilities: BEARER.any,
      maximumChannels: 0,
      firmwareRevision: 0,
      hostName,
      vendorName: vendor,
    },
    'start-control-connection-reply',
    REPLY_MS,
  );
  if (started.kind === 'silence') return { kind: 'no-pptp', detail: started.detail };
  if (started.resultCode !== START_RESULT.successful)
    return { kind: 'start-refused', result: started.resultCode, error: started.errorCode };
  const facts = await call(dialogue, line, started.hostName, driver);
  await dialogue.ask({ kind: 'stop-control-connection-request', reason: 1 }, 'stop-control-connection-reply', STOP_MS);
  return facts;
};

const call = async (
  dialogue: ControlDialogue,
  line: DialledPipe,
  hostName: string,
  driver: GreDriver,
): Promise<PeerFacts> => {
  const callId = randomInt(1, 2 ** 16);
  const called = await dialogue.ask(
    {
      kind: 'outgoing-call-request',
      callId,
      callSerialNumber: randomInt(2 ** 16),
      minimumBps: 300,
      maximumBps: SPEED,
      bearerType: BEARER.any,
      framingType: FRAMING.either,
      packetReceiveWindow: WINDOW,
      packetProcessingDelay: 0,
      phoneNumberLength: 0,
      phoneNumber: '',
      subaddress: '',
    },
    'outgoing-call-reply',
    REPLY_MS,
  );
  if (called.kind === 'silence') return { kind: 'no-pptp', detail: called.detail };
  if (called.resultCode !== OUTGOING_RESULT.connected)
    return { kind: 'call-refused', hostName, result: called.resultCode, error: called.errorCode };
  try {
    const heard = await tryGre(line, driver, callId, called.callId);
    return { kind: 'called', hostName, ...heard };
  } finally {
    dialogue.say({ kind: 'call-clear-request', callId });
  }
};

type GreOutcome = Pick<Extract<PeerFacts, { kind: 'called' }>, 'heardAfter' | 'acknowledged' | 'sendRefused' | 'icmp'>;

const tryGre = async (
  { ends }: DialledPipe,
  driver: GreDriver,
  callId: number,
  peerCallId: number,
): Promise<GreOutcome> => {
  let icmp: IcmpRefusal | undefined;
  let heardAt: number | undefined;
  let acknowledged = false;
  let wake: () => void = () => undefined;
  const stopHearing = await hearGreRefusals(({ from, code, to }) => {
    if (to !== ends.peer) return;
    icmp = { from: formatIpv4(from), code };
    wake();
  });
  let probe: GreProbe | undefined;
  try {
    probe = await GreProbe.open(driver, ({ source, header }) => {
      if (source !== ends.peer || header.callId !== callId) return;
      heardAt ??= performance.now();
      if (header.acknowledgment < 0) return;
      acknowledged = true;
      wake();
    });
    const began = performance.now();
    for (let sequence = 0; sequence < REQUESTS && !acknowledged && icmp === undefined; sequence += 1) {
      probe.send(ends.local, ends.peer, peerCallId, sequence, -1, configureRequest(sequence + 1));
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, REQUEST_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
        if (acknowledged || icmp !== undefined) wake();
      });
    }
    const heardAfter = heardAt === undefined ? undefined : Math.max(0, Math.round(heardAt - began));
    return { heardAfter, acknowledged, sendRefused: probe.refused, icmp };
  } finally {
    stopHearing();
    await probe?.close();
  }
};

const configureRequest = (identifier: number): Uint8Array => {
  const magic = new Uint8Array(4);
  writeU32(magic, 0, randomInt(1, 2 ** 32));
  const options = encodeOptions([{ type: MAGIC_NUMBER, data: magic }]);
  const packet = encodeConfigPacket(CODE.configureRequest, identifier, options);
  const frame = new Uint8Array(LCP.length + packet.length);
  frame.set(LCP);
  frame.set(packet, LCP.length);
  return frame;
};
