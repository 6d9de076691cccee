import { describe, expect, it } from 'vitest';
import type { Authenticator, BackEndAnswer } from '../../../../core/ports/auth.ts';
import { silentLog } from '../../../../core/ports/log.ts';
import { askBackEnds } from '../../../../gateway/session/ask-back-ends.ts';
import { ORIGIN } from '../../../support/proof-origin.ts';

const REQUEST = { userName: 'alice', password: new Uint8Array(0) };

/** A back-end with this answer; `asked` gets its name when it is asked. */
const backEnd = (name: string, answer: BackEndAnswer | Error, asked: string[], kinds = ['pap']): Authenticator => ({
  name,
  supports: (kind) => kinds.includes(kind),
  verify: async () => {
    asked.push(name);
    if (answer instanceof Error) throw answer;
    return answer;
  },
});
const yes = (identity: string): BackEndAnswer => ({ ok: true, identity, profile: {}, grant: {} });
const no = { ok: false, denial: 'bad-credentials' } as const;
const unknown = { ok: false, denial: 'unknown-user' } as const;

async function ask(make: (asked: string[]) => readonly Authenticator[]) {
  const asked: string[] = [];
  const verdict = await askBackEnds(make(asked), 'pap', REQUEST, new AbortController().signal, ORIGIN, silentLog);
  return { asked, verdict };
}

describe('several back-ends', () => {
  it('are asked in order until one knows the user', async () => {
    const { asked, verdict } = await ask((log) => [
      backEnd('a', unknown, log),
      backEnd('b', yes('alice'), log),
      backEnd('c', yes('other'), log),
    ]);
    expect(asked).toEqual(['a', 'b']);
    expect(verdict).toMatchObject({ ok: true, identity: 'alice' });
  });

  it('a wrong password is final', async () => {
    expect(await ask((log) => [backEnd('a', no, log), backEnd('b', yes('alice'), log)])).toEqual({
      asked: ['a'],
      verdict: no,
    });
  });

  it('one that fails is final too: its users are not looked for elsewhere', async () => {
    expect(await ask((log) => [backEnd('a', new Error('down'), log), backEnd('b', yes('alice'), log)])).toEqual({
      asked: ['a'],
      verdict: { ok: false, denial: 'unavailable' },
    });
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['an object that is no text', Object.create(null)],
    ['an error whose message is none', Object.assign(new Error(), { message: 7 })],
    ['a symbol', Symbol('no')],
  ])('one that throws %s fails like any other', async (_, thrown) => {
    const wild: Authenticator = { name: 'a', supports: () => true, verify: () => Promise.reject(thrown) };
    expect((await ask(() => [wild])).verdict).toEqual({ ok: false, denial: 'unavailable' });
  });

  it('one that fails because the peer has left is no error for the operator', async () => {
    const abort = new AbortController();
    const said: string[] = [];
    const log = {
      ...silentLog,
      debug: (event: string) => said.push(event),
      error: (event: string) => said.push(event),
    };
    const left: Authenticator = {
      name: 'a',
      supports: () => true,
      verify: (_kind, _request, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
    };
    const verdict = askBackEnds([left], 'pap', REQUEST, abort.signal, ORIGIN, log);
    abort.abort();
    expect(await verdict).toEqual({ ok: false, denial: 'unavailable' });
    expect(said).toEqual(['auth.backend-cancelled', 'auth.backend-error']);
  });

  it('an unknown user is told what a wrong password is told', async () => {
    expect((await ask((log) => [backEnd('a', unknown, log)])).verdict).toEqual(no);
  });

  it('those that cannot judge the proof are not asked; none that can is unavailable', async () => {
    expect(await ask((log) => [backEnd('a', yes('alice'), log, ['ms-chap-v2'])])).toEqual({
      asked: [],
      verdict: { ok: false, denial: 'unavailable' },
    });
  });
});

describe('who watches the questions', () => {
  it('sees each back-end that is asked, and what it answers', async () => {
    const story: string[] = [];
    const watch = (backEnd: string) => {
      story.push(`${backEnd}?`);
      return { span: undefined, answered: (answer: string) => void story.push(`${backEnd}: ${answer}`) };
    };
    const ask = (...backEnds: readonly Authenticator[]) =>
      askBackEnds(backEnds, 'pap', REQUEST, new AbortController().signal, ORIGIN, silentLog, watch);
    await ask(backEnd('other', yes('x'), [], ['chap-md5']), backEnd('a', unknown, []), backEnd('b', yes('alice'), []));
    await ask(backEnd('c', no, []));
    await ask(backEnd('d', new Error('down'), []), backEnd('e', yes('alice'), []));
    expect(story).toEqual([
      ...['a?', 'a: unknown-user', 'b?', 'b: accepted'],
      ...['c?', 'c: bad-credentials'],
      ...['d?', 'd: failed'],
    ]);
  });
});
