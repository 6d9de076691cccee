export * from '../../testing/lab/seeded-random.ts';
