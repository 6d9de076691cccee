import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { processTerminal } from './cli/terminal.ts';
import { runCli } from './cli.ts';
import { runDial } from './dial/run-dial.ts';
import { outerMtu } from './outer-mtu.ts';
import { openUsers, runGateway } from './run.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

/** For what is still on its way when everything has been stopped. */
const GRACE_MS = 500;

process.exitCode = await runCli(process.argv.slice(2), {
  version,
  env: process.env,
  terminal: processTerminal,
  runGateway: (loaded) => runGateway(loaded, version),
  dial: (loaded, order) => runDial(loaded, order, processTerminal, version),
  examine: async (loaded, peer) => (await import('./doctor/examine.ts')).examine(loaded, peer, process.env),
  openUsers,
  outerMtu,
});
// Only when something keeps the process: an OpenTelemetry exporter tries again and again to reach its collector.
setTimeout(() => process.exit(), GRACE_MS).unref();
