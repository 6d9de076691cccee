export * from '../../testing/lab/fault-io.ts';
