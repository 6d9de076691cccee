export * from '../../testing/lab/memory-users.ts';
