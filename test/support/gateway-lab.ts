export * from '../../testing/lab/gateway-lab.ts';
