export * from '../../testing/lab/memory-telemetry.ts';
