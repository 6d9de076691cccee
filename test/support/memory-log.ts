export * from '../../testing/lab/memory-log.ts';
