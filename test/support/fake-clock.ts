export * from '../../testing/lab/fake-clock.ts';
