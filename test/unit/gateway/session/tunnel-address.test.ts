import { beforeEach, describe, expect, it } from 'vitest';
import type { Ipv4 } from '../../../../core/bytes/ipv4-address.ts';
import type { AddressLease, AddressPool } from '../../../../core/ports/addresses.ts';
import { SessionTable } from '../../../../gateway/session/session-table.ts';
import { TunnelAddress } from '../../../../gateway/session/tunnel-address.ts';
import { address, openSession } from '../../../support/batches.ts';

const A = address('10.99.0.7');
const B = address('10.99.0.8');

/** Answers when the test says so. */
class SlowPool implements AddressPool {
  readonly gatewayAddress = address('10.99.0.1');
  readonly released: Ipv4[] = [];
  readonly asked: (readonly [Ipv4 | undefined, string | undefined])[] = [];
  private readonly answers: ((lease: AddressLease | Error) => void)[] = [];

  lease(wanted?: Ipv4, identity?: string): Promise<AddressLease> {
    this.asked.push([wanted, identity]);
    return new Promise((resolve, reject) => {
      this.answers.push((lease) => (lease instanceof Error ? reject(lease) : resolve(lease)));
    });
  }

  release(one: Ipv4): void {
    this.released.push(one);
  }

  async answer(lease: AddressLease | Error): Promise<void> {
    this.answers.shift()?.(lease);
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  }
}

describe('the address of a tunnel whose pool takes its time', () => {
  let pool: SlowPool;
  let said: (AddressLease | 'superseded')[];
  let older: string[];
  let tunnel: TunnelAddress;
  const session = openSession();
  const lease = (identity: string, wanted?: Ipv4): void => {
    tunnel.lease(identity, wanted === undefined ? {} : { address: wanted }, (answer) => {
      said.push(answer);
      if (answer !== 'superseded' && answer.ok) session.identity = identity;
    });
  };
  beforeEach(() => {
    pool = new SlowPool();
    said = [];
    older = [];
    session.identity = undefined;
    const endOlder = (identity: string): boolean => {
      older.push(identity);
      return identity === 'anna';
    };
    tunnel = new TunnelAddress(session, { addresses: pool, sessions: new SessionTable(), endOlder });
  });

  it('stays with a user who writes its name in another way', async () => {
    lease('anna', A);
    await pool.answer({ ok: true, address: A });
    lease('ANNA', A);
    expect(said).toEqual([
      { ok: true, address: A },
      { ok: true, address: A },
    ]);
    expect(tunnel.isOf('Anna', A)).toBe(true);
  });

  it('is there when the pool has answered', async () => {
    lease('anna', A);
    expect([pool.asked, said, tunnel.current]).toEqual([[[A, 'anna']], [], undefined]);
    await pool.answer({ ok: true, address: A });
    expect([said, tunnel.current]).toEqual([[{ ok: true, address: A }], A]);
    tunnel.end();
    expect(pool.released).toEqual([A]);
  });

  it('goes back at once when the tunnel has ended meanwhile, and nobody is told', async () => {
    lease('anna', A);
    tunnel.end();
    await pool.answer({ ok: true, address: A });
    expect([said, pool.released, tunnel.current]).toEqual([[], [A], undefined]);
  });

  it('ends no other tunnel for one that has ended itself', async () => {
    lease('anna', A);
    tunnel.end();
    await pool.answer({ ok: false, why: 'in-use' });
    expect([said, older]).toEqual([[], []]);
  });

  it('is asked for again when an older tunnel of the user had it', async () => {
    lease('anna', A);
    await pool.answer({ ok: false, why: 'in-use' });
    expect([older, pool.asked.length, said]).toEqual([['anna'], 2, []]);
    await pool.answer({ ok: true, address: A });
    expect(said).toEqual([{ ok: true, address: A }]);
  });

  it('answers each question in turn: the newest counts, and what an older one brought goes back', async () => {
    lease('anna', A);
    lease('bela', B);
    expect(pool.asked).toHaveLength(1);
    await pool.answer({ ok: true, address: A });
    expect([said, pool.released, pool.asked[1]]).toEqual([['superseded'], [A], [B, 'bela']]);
    await pool.answer({ ok: true, address: B });
    expect([said, tunnel.current]).toEqual([['superseded', { ok: true, address: B }], B]);
    lease('bela', B);
    expect([said.length, pool.asked.length]).toEqual([3, 2]);
  });

  it('is refused when the pool fails', async () => {
    lease('anna', A);
    await pool.answer(new Error('broken'));
    expect(said).toEqual([{ ok: false, why: 'unavailable' }]);
  });
});
