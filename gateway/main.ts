import { readFileSync } from 'node:fs';
import { processTerminal } from './cli/process-terminal.ts';
import { runCli } from './cli.ts';
import { outerMtu } from './outer-mtu.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

/** Told by the process before: this one is to go on with its tunnels. */
const successor =
  process.env['GATEWAY_TAKES_OVER'] === undefined
    ? undefined
    : await (await import('./upgrade/successor.ts')).successorOf(process.env);

/** For what is still on its way when everything has been stopped. */
const GRACE_MS = 500;

// What a verb needs is loaded when it runs: a gateway and its libraries take many times as long as most verbs.
process.exitCode = await runCli(process.argv.slice(2), {
  version,
  env: process.env,
  terminal: successor === undefined ? processTerminal : successor.terminal(processTerminal),
  runGateway: async (loaded) => {
    await import('reflect-metadata');
    return (await import('./run.ts')).runGateway(loaded, version, successor);
  },
  dial: async (loaded, order) => {
    await import('reflect-metadata');
    return (await import('./dial/run-dial.ts')).runDial(loaded, order, processTerminal, version);
  },
  examine: async (loaded, peer) => {
    await import('reflect-metadata');
    return (await import('./doctor/examine.ts')).examine(loaded, peer, process.env);
  },
  openUsers: async (file) => (await import('./user-file.ts')).openUserFile(file),
  outerMtu,
});
// Only when something keeps the process: an OpenTelemetry exporter tries again and again to reach its collector.
setTimeout(() => process.exit(), GRACE_MS).unref();
