import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { concatBytes } from '../../../core/bytes/bytes.ts';
import { toHex } from '../../../core/bytes/hex.ts';
import { type CallIds, callId } from '../../../core/ports/ids.ts';
import { ControlStream } from '../../../core/wire/control-stream.ts';
import { type PptpMessage, writePptpMessage } from '../../../core/wire/pptp-message.ts';
import { ControlRig } from '../../support/control-rig.ts';
import { readPcap } from '../../support/pcap.ts';
import { type TcpStream, tcpStreams } from '../../support/tcp-streams.ts';

const folder = fileURLToPath(new URL('../../captures/', import.meta.url));
const names = readdirSync(folder).filter((name) => name.endsWith('.pcap'));
const PORT = 1723;

const messagesOf = (stream: TcpStream): PptpMessage[] => {
  const control = new ControlStream();
  const seen: PptpMessage[] = [];
  for (const segment of stream.segments) {
    expect(control.receive(segment, (message) => seen.push(message) > 0)).toBeUndefined();
  }
  expect(control.buffered).toBe(0);
  return seen;
};
/** Gives the client the Call ID that the captured one had. */
const fixedCallId = (id: number): CallIds => ({ allocate: () => callId(id), release: () => undefined });
const kindsOf = (stream: TcpStream | undefined): string[] =>
  stream === undefined ? [] : messagesOf(stream).map((message) => message.kind);

test('there are captures', () => {
  expect(names.length).toBeGreaterThanOrEqual(10);
});

describe.each(names)('the control connection of %s', (name) => {
  const streams = tcpStreams(readPcap(`${folder}${name}`), PORT);
  const client = streams.find((stream) => stream.sourcePort !== PORT);
  const server = streams.find((stream) => stream.sourcePort === PORT);

  test('has both directions', () => {
    expect(kindsOf(client).slice(0, 2)).toEqual(['start-control-connection-request', 'outgoing-call-request']);
    expect(kindsOf(server).slice(0, 2)).toEqual(['start-control-connection-reply', 'outgoing-call-reply']);
  });

  test('every message is written back byte for byte', () => {
    for (const stream of streams) {
      const written = concatBytes(...messagesOf(stream).map(writePptpMessage));
      expect(toHex(written)).toBe(toHex(concatBytes(...stream.segments)));
    }
  });

  test('our server answers this client: established, its call opens and ends', () => {
    const rig = new ControlRig({ role: 'pac' });
    rig.input({ kind: 'open' });
    for (const bytes of client?.segments ?? []) rig.input({ kind: 'bytes', bytes });
    rig.input({ kind: 'closed', detail: 'end of the capture' });
    expect(rig.all('established')).toHaveLength(1);
    expect(rig.all('call-opened')).toHaveLength(1);
    expect(rig.all('call-closed')).toHaveLength(1);
    expect(rig.all('note').filter((note) => note.level === 'warn')).toEqual([]);
  });

  test('our client understands this server: established, and its call opens and ends', () => {
    const replies = server === undefined ? [] : messagesOf(server);
    const reply = replies.find((message) => message.kind === 'outgoing-call-reply');
    if (reply?.kind !== 'outgoing-call-reply') throw new Error('the capture has no Outgoing-Call-Reply');
    const id = reply.peerCallId;
    const rig = new ControlRig({ role: 'pns', callIds: fixedCallId(id) });
    rig.input({ kind: 'open' });
    for (const message of replies) {
      rig.receives(message);
      if (message.kind === 'start-control-connection-reply') rig.input({ kind: 'place-call', tag: 1 });
    }
    expect(rig.all('call-opened')).toMatchObject([{ localCallId: id, peerCallId: reply.callId }]);
    rig.input({ kind: 'closed', detail: 'end of the capture' });
    expect(rig.all('call-closed')).toHaveLength(1);
    expect(rig.all('note').filter((note) => note.level === 'warn')).toEqual([]);
  });
});
