import type { Subscription } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { BatchSource } from '../../../../core/datapath/batch-source.ts';
import { PacketBatch } from '../../../../core/datapath/packet-batch.ts';

const listen = (source: BatchSource, said: string[], name: string): Subscription =>
  source.batches$.subscribe({
    next: ({ count }) => said.push(`${name}: ${count}`),
    error: (cause) => said.push(`${name}: ${String(cause)}`),
    complete: () => said.push(`${name}: over`),
  });

describe('a source of batches', () => {
  it('gives each batch to whoever listens at the time, in the order in which they came', () => {
    const [source, batch, said] = [new BatchSource(), new PacketBatch(4), [] as string[]];
    source.next(batch);
    const first = listen(source, said, 'first');
    listen(source, said, 'second');
    batch.take(1);
    source.next(batch);
    first.unsubscribe();
    source.next(batch);
    expect(said).toEqual(['first: 1', 'second: 1', 'second: 1']);
  });

  it('lets a listener leave in the middle of a batch; the others still get it', () => {
    const [source, said] = [new BatchSource(), [] as string[]];
    const leaving = source.batches$.subscribe(() => {
      said.push('leaving');
      leaving.unsubscribe();
    });
    listen(source, said, 'staying');
    source.next(new PacketBatch(1));
    source.next(new PacketBatch(1));
    expect(said).toEqual(['leaving', 'staying: 0', 'staying: 0']);
  });

  it('is over once, and says so to those who come late', () => {
    const [source, said] = [new BatchSource(), [] as string[]];
    listen(source, said, 'early');
    source.complete();
    source.error('too late');
    source.next(new PacketBatch(1));
    listen(source, said, 'late');
    expect(said).toEqual(['early: over', 'late: over']);
  });

  it('fails once, and says so to those who come late', () => {
    const [source, said] = [new BatchSource(), [] as string[]];
    listen(source, said, 'early');
    source.error('it died');
    source.complete();
    listen(source, said, 'late');
    expect(said).toEqual(['early: it died', 'late: it died']);
  });
});
