// A worker process; gateway/workers/worker-process.ts starts it.
import 'reflect-metadata';
import process from 'node:process';

// A terminal and systemd tell the whole group; when to end is the supervisor's to say.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.setSourceMapsEnabled(true);

/** For what is still on its way when everything has been stopped. */
const GRACE_MS = 500;

const { runWorker } = await import('./run-worker.ts');
process.exitCode = await runWorker({
  send: (message, socket) => {
    // The channel may close at any moment, and then nobody wants to know.
    if (process.connected) process.send?.(message, socket, { keepOpen: true }, () => undefined);
  },
  onMessage: (listener) => void process.on('message', listener),
  onDisconnect: (listener) => {
    process.on('disconnect', listener);
    if (!process.connected) listener();
  },
});
if (process.connected) process.disconnect();
// Only when something keeps the process: an OpenTelemetry exporter tries again and again to reach its collector.
setTimeout(() => process.exit(), GRACE_MS).unref();
