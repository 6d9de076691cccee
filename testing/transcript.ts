import type { Ipv4 } from '../core/bytes/ipv4-address.ts';
import { summarizePpp } from '../core/machine/ppp-summary.ts';
import { ControlStream } from '../core/wire/control-stream.ts';
import { emptyGreHeader, parseGre } from '../core/wire/gre.ts';
import { describeProtocol, pppHeaderLength, pppProtocol, readPppHeader } from '../core/wire/ppp.ts';
import type { WirePacket } from './lab/gre-wire.ts';

/** The PPP frames between a client and a server, as lines: "client lcp.configure-request 1: mru 1400, magic". */
export function pppLines(packets: readonly WirePacket[], client: Ipv4, server: Ipv4): readonly string[] {
  const lines: string[] = [];
  const header = emptyGreHeader();
  for (const { bytes, outerSource, outerDestination } of packets) {
    const who = outerSource === client ? 'client' : 'server';
    const isTheirs = who === 'client' ? outerDestination === server : outerSource === server;
    if (!isTheirs || (who === 'server' && outerDestination !== client)) continue;
    if (parseGre(bytes, 0, bytes.length, header) !== undefined || header.sequence < 0) continue;
    const line = frameLine(bytes.subarray(header.headerLength, header.headerLength + header.payloadLength));
    if (line !== undefined) lines.push(`${who} ${line}`);
  }
  return lines;
}

function frameLine(frame: Uint8Array): string | undefined {
  const head = readPppHeader(frame, 0, frame.length);
  if (head < 0) return undefined;
  const protocol = pppProtocol(head);
  const summary = summarizePpp(protocol, frame.subarray(pppHeaderLength(head)));
  if (summary === undefined) return `sends ${describeProtocol(protocol)}`;
  const { name, identifier, detail } = summary;
  return `${name} ${identifier}${detail === undefined ? '' : `: ${detail}`}`;
}

/** The messages that one end of a control connection wrote, by name. */
export function controlLines(who: 'client' | 'server', written: Uint8Array): readonly string[] {
  const lines: string[] = [];
  new ControlStream().receive(written, (message) => {
    lines.push(`${who} ${message.kind}`);
    return true;
  });
  return lines;
}
