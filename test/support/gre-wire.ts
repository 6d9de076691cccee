export * from '../../testing/lab/gre-wire.ts';
