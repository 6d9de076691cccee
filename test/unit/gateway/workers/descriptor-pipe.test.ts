import { closeSync, existsSync, fstatSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDescriptorPipe, sendDescriptors } from '../../../../gateway/workers/descriptor-pipe.ts';
import { ROOT } from '../../../support/netns.ts';

const built = existsSync(join(ROOT, 'native', 'build', 'Release', 'pptp_native.node'));

describe.skipIf(!built)(`descriptors of a child process${built ? '' : ' (skipped: the addon is not built)'}`, () => {
  const open = () => {
    const pipe = openDescriptorPipe();
    if (pipe === undefined) throw new Error('the addon is there');
    return pipe;
  };

  it('arrive as copies of the same files, in their order', () => {
    const pipe = open();
    const files = ['/dev/null', '/dev/zero'].map((path) => openSync(path, 'r'));
    const devices = files.map((fd) => fstatSync(fd).rdev);
    sendDescriptors(pipe.childEnd, files);
    for (const fd of files) closeSync(fd);
    const received = pipe.receive();
    expect(received.map(({ fd }) => fstatSync(fd).rdev)).toEqual(devices);
    pipe.forked();
    pipe.end();
    // Also when the child is gone.
    for (const one of received) one.close();
    expect(() => received[0]?.close()).toThrow('EBADF');
  });

  it('are those that it sent last, where it had been too late before', () => {
    const pipe = open();
    const [late, now] = ['/dev/null', '/dev/zero'].map((path) => openSync(path, 'r'));
    if (late === undefined || now === undefined) throw new Error('both are there');
    const before = readdirSync('/proc/self/fd').length;
    sendDescriptors(pipe.childEnd, [late, late]);
    sendDescriptors(pipe.childEnd, [now]);
    const received = pipe.receive();
    expect(received.map(({ fd }) => fstatSync(fd).rdev)).toEqual([fstatSync(now).rdev]);
    expect(readdirSync('/proc/self/fd')).toHaveLength(before + 1);
    for (const one of received) one.close();
    for (const fd of [late, now]) closeSync(fd);
    pipe.forked();
    pipe.end();
  });

  it('are none when the child is gone, and an error where it has sent none', () => {
    const pipe = open();
    expect(() => pipe.receive()).toThrow('EAGAIN');
    pipe.forked();
    expect(pipe.receive()).toEqual([]);
    pipe.end();
  });

  it('must be descriptors', () => {
    const pipe = open();
    expect(() => sendDescriptors(pipe.childEnd, [])).toThrow('1 to 16');
    expect(() => sendDescriptors(pipe.childEnd, [2 ** 20])).toThrow('EBADF');
    pipe.forked();
    pipe.end();
  });
});
