export * from '../../testing/lab/memory-pipe.ts';
