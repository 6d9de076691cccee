import { describe, expect, test } from 'vitest';
import { writePptpMessage } from '../../../../core/wire/pptp-message.ts';
import { ControlDialogue } from '../../../../gateway/doctor/host/control-dialogue.ts';
import type { PipeReader } from '../../../../plugins/control-pptp/byte-pipe.ts';

const stop = { kind: 'stop-control-connection-request', reason: 1 } as const;
const stopped = { kind: 'stop-control-connection-reply', resultCode: 1, errorCode: 0 } as const;
const LONG_MS = 60_000;

/** A pipe whose other end is the test. */
const line = () => {
  const written: Uint8Array[] = [];
  let reader: PipeReader | undefined;
  const dialogue = new ControlDialogue({
    write: (bytes) => void written.push(bytes),
    end: () => undefined,
    abort: () => undefined,
    read: (one) => {
      reader = one;
    },
  });
  if (reader === undefined) throw new Error('nobody reads');
  return { dialogue, written, reader };
};

describe('questions on a control connection', () => {
  test('the answer is waited for, whatever comes before it and however it is cut', async () => {
    const { dialogue, written, reader } = line();
    const answer = dialogue.ask(stop, 'stop-control-connection-reply', LONG_MS);
    expect(written).toEqual([writePptpMessage(stop)]);
    reader.bytes(writePptpMessage({ kind: 'set-link-info', peerCallId: 1, sendAccm: 0, receiveAccm: 0 }));
    const bytes = writePptpMessage(stopped);
    reader.bytes(bytes.subarray(0, 5));
    reader.bytes(bytes.subarray(5));
    expect(await answer).toEqual(stopped);
  });

  test('echoes are answered', () => {
    const { written, reader } = line();
    reader.bytes(writePptpMessage({ kind: 'echo-request', identifier: 7 }));
    expect(written).toEqual([writePptpMessage({ kind: 'echo-reply', identifier: 7, resultCode: 1, errorCode: 0 })]);
  });

  test('garbage ends it', async () => {
    const { dialogue, reader } = line();
    const answer = dialogue.ask(stop, 'stop-control-connection-reply', LONG_MS);
    reader.bytes(new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n'));
    expect(await answer).toMatchObject({ kind: 'silence', detail: expect.stringContaining('no control message') });
  });

  test('a closed connection ends it, also for later questions', async () => {
    const { dialogue, reader } = line();
    const answer = dialogue.ask(stop, 'stop-control-connection-reply', LONG_MS);
    reader.closed('The peer closed the TCP connection.');
    const closed = { kind: 'silence', detail: 'The peer closed the TCP connection' };
    expect(await answer).toEqual(closed);
    expect(await dialogue.ask(stop, 'stop-control-connection-reply', LONG_MS)).toEqual(closed);
  });

  test('no answer', async () => {
    const { dialogue } = line();
    expect(await dialogue.ask(stop, 'stop-control-connection-reply', 1)).toEqual({
      kind: 'silence',
      detail: 'no stop-control-connection-reply within 0.001 s',
    });
  });
});
