import { describe, expect, test } from 'vitest';
import { type CollisionOutcome, StartCollisions } from '../../../core/machine/pptp-collision.ts';
import { address } from '../../support/batches.ts';
import { ControlRig, establishedServer, startReply, startRequest, told } from '../../support/control-rig.ts';

/** The addresses of the RFC's own example; .89 wins. */
const LOW = address('192.33.45.17');
const HIGH = address('192.33.45.89');

/** One host that calls `peer` and is called by it; both connections are machines of their own. */
const host = (own: typeof LOW, peer: typeof LOW) => {
  const collisions = new StartCollisions();
  const outcomes: CollisionOutcome[] = [];
  const dialled = new ControlRig({ role: 'pns' });
  const answered = new ControlRig({
    role: 'pac',
    collide: () => {
      const outcome = collisions.meet(peer);
      outcomes.push(outcome);
      return outcome;
    },
  });
  answered.input({ kind: 'open' });
  const dial = (): (() => void) => {
    dialled.input({ kind: 'open' });
    return collisions.begin(own, peer, () => dialled.input({ kind: 'yield' }));
  };
  return { collisions, dialled, answered, dial, outcomes };
};

describe('RFC 2637 section 3.1.3: both sides ask for a control connection', () => {
  test('the lower address closes its own without another message and answers the other', () => {
    const loser = host(LOW, HIGH);
    loser.dial();
    loser.answered.receives(startRequest());
    expect(loser.outcomes).toEqual(['lost']);
    expect(loser.dialled.sent.map(({ kind }) => kind)).toEqual(['start-control-connection-request']);
    expect(told(loser.dialled.effects)).toMatchObject([{ kind: 'close', abort: false }]);
    expect(loser.answered.sent).toMatchObject([{ kind: 'start-control-connection-reply', resultCode: 1 }]);
    expect(loser.answered.machine.state).toBe('established');
  });

  test('the higher address sends nothing on the other’s connection, whatever comes, and goes on with its own', () => {
    const winner = host(HIGH, LOW);
    winner.dial();
    winner.answered.receives(startRequest(), startRequest(), { kind: 'echo-request', identifier: 1 });
    expect(winner.outcomes).toEqual(['won']);
    expect(winner.answered.sent).toEqual([]);
    expect(winner.answered.machine.state).toBe('wait-close');
    winner.answered.input({ kind: 'closed', detail: 'The loser closed it.' });
    expect(winner.answered.machine.state).toBe('closed');
    winner.dialled.receives(startReply());
    expect(winner.dialled.machine.state).toBe('established');
  });

  test('a loser that never closes is closed after the time of an unestablished connection, without a message', () => {
    const winner = host(HIGH, LOW);
    winner.dial();
    winner.answered.receives(startRequest());
    winner.answered.at(29_999);
    expect(winner.answered.all('close')).toEqual([]);
    winner.answered.at(30_000);
    expect(winner.answered.all('close')).toMatchObject([{ abort: true }]);
    expect(winner.answered.sent).toEqual([]);
  });

  test('both ends agree on one connection', () => {
    const low = host(LOW, HIGH);
    const high = host(HIGH, LOW);
    low.dial();
    high.dial();
    for (const message of low.dialled.sent) high.answered.receives(message);
    for (const message of high.dialled.sent) low.answered.receives(message);
    for (const message of low.answered.sent) high.dialled.receives(message);
    expect(high.answered.sent).toEqual([]);
    expect([low.dialled, low.answered, high.dialled, high.answered].map(({ machine }) => machine.state)).toEqual([
      'closed',
      'established',
      'established',
      'wait-close',
    ]);
  });

  test('comparison is unsigned', () => {
    const collisions = new StartCollisions();
    collisions.begin(address('203.0.113.1'), address('10.0.0.1'), () => undefined);
    expect(collisions.meet(address('10.0.0.1'))).toBe('won');
  });
});

describe('independent connections of one address (several clients behind a NAT) are no collision', () => {
  test('without an attempt of our own to that address every request is answered', () => {
    const { answered, outcomes } = host(HIGH, LOW);
    answered.receives(startRequest());
    expect(outcomes).toEqual(['none']);
    expect(answered.machine.state).toBe('established');
  });

  test('nor is an attempt of our own elsewhere, or one that was answered', () => {
    const gateway = host(HIGH, LOW);
    const done = gateway.dial();
    expect(gateway.collisions.meet(address('192.33.45.18'))).toBe('none');
    done();
    done();
    gateway.answered.receives(startRequest());
    expect(gateway.outcomes).toEqual(['none']);
    expect(gateway.answered.machine.state).toBe('established');
  });

  test('a second attempt outlives the end of the first', () => {
    const collisions = new StartCollisions();
    const first = collisions.begin(HIGH, LOW, () => undefined);
    collisions.begin(HIGH, LOW, () => undefined);
    first();
    expect(collisions.meet(LOW)).toBe('won');
  });

  test('section 3.1.3: one control connection between two; ours is not asked for while the peer has one', () => {
    const collisions = new StartCollisions();
    const told: string[] = [];
    const first = collisions.serve(LOW);
    const second = collisions.serve(LOW);
    collisions.whenGone(LOW, () => told.push('gone'));
    collisions.whenGone(LOW, () => told.push('called off'))();
    expect([collisions.serves(LOW), collisions.serves(HIGH)]).toEqual([true, false]);
    first();
    first();
    expect([collisions.serves(LOW), told]).toEqual([true, []]);
    second();
    expect([collisions.serves(LOW), told]).toEqual([false, ['gone']]);
    collisions.serve(LOW)();
    expect(told).toEqual(['gone']);
  });

  test('told so before it was opened, a connection closes without a message', () => {
    const rig = new ControlRig({ role: 'pns' });
    rig.input({ kind: 'yield' });
    rig.input({ kind: 'open' });
    expect(rig.sent).toEqual([]);
    expect(told(rig.effects)).toMatchObject([{ kind: 'close', abort: false }]);
  });

  test('a connection that is established does not yield', () => {
    const rig = new ControlRig({ role: 'pns' });
    rig.input({ kind: 'open' });
    rig.receives(startReply());
    rig.input({ kind: 'yield' });
    const server = establishedServer();
    server.input({ kind: 'yield' });
    expect([rig.machine.state, server.machine.state]).toEqual(['established', 'established']);
  });
});
