import type { Cli, PlainCli } from './context.ts';

/** Loads what the verb needs, and adds it. A plain one has no options of the configuration, and does not load its keys. */
export type Verb = { readonly name: string } & (
  | { readonly add: (cli: Cli) => Promise<void> }
  | { readonly addPlain: (cli: PlainCli) => Promise<void> }
);

/** The verbs in the order of the help. Each is a file of its own, loaded when it is the one that is asked for. */
export const VERBS: readonly Verb[] = [
  { name: 'run', add: async (cli) => (await import('./run.ts')).addRunVerb(cli) },
  { name: 'dial', add: async (cli) => (await import('./dial.ts')).addDialVerb(cli) },
  { name: 'status', add: async (cli) => (await import('./status.ts')).addStatusVerb(cli) },
  { name: 'sessions', add: async (cli) => (await import('./sessions.ts')).addSessionsVerbs(cli) },
  { name: 'tunnels', add: async (cli) => (await import('./sessions.ts')).addTunnelsVerb(cli) },
  { name: 'stats', add: async (cli) => (await import('./stats.ts')).addStatsVerb(cli) },
  { name: 'events', add: async (cli) => (await import('./events.ts')).addEventsVerb(cli) },
  { name: 'explain', add: async (cli) => (await import('./explain.ts')).addExplainVerb(cli) },
  { name: 'users', add: async (cli) => (await import('./users.ts')).addUserVerbs(cli) },
  { name: 'locks', add: async (cli) => (await import('./locks.ts')).addLocksVerbs(cli) },
  { name: 'pools', add: async (cli) => (await import('./pools.ts')).addPoolsVerb(cli) },
  { name: 'drain', add: async (cli) => (await import('./drain.ts')).addDrainVerb(cli) },
  { name: 'reload', add: async (cli) => (await import('./reload.ts')).addReloadVerb(cli) },
  { name: 'upgrade', add: async (cli) => (await import('./upgrade.ts')).addUpgradeVerb(cli) },
  { name: 'audit', add: async (cli) => (await import('./audit.ts')).addAuditVerb(cli) },
  { name: 'log-level', add: async (cli) => (await import('./log-level.ts')).addLogLevelVerb(cli) },
  { name: 'capture', add: async (cli) => (await import('./capture.ts')).addCaptureVerb(cli) },
  { name: 'trace', add: async (cli) => (await import('./trace.ts')).addTraceVerb(cli) },
  { name: 'doctor', add: async (cli) => (await import('./doctor.ts')).addDoctorVerb(cli.program, doctorOf(cli)) },
  { name: 'plugins', add: async (cli) => (await import('./plugins.ts')).addPluginVerbs(cli) },
  { name: 'config', add: async (cli) => (await import('./config.ts')).addConfigVerbs(cli) },
  { name: 'healthcheck', addPlain: async (cli) => (await import('./healthcheck.ts')).addHealthcheckVerb(cli) },
  { name: 'completion', add: async (cli) => (await import('./completion-verb.ts')).addCompletionVerb(cli) },
  { name: 'version', addPlain: async (cli) => (await import('./version.ts')).addVersionVerb(cli) },
];

const doctorOf = ({ terminal, withConfig, services }: Cli) => ({ terminal, withConfig, examine: services.examine });
