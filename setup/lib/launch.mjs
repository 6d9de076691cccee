import { pathToFileURL } from 'node:url';
import { gatherFacts } from './facts.mjs';
import { gatewayEntry } from './paths.mjs';
import { checkMachine, checkRun, needsOf } from './preflight.mjs';
import { prepareRun, prepareVerbs } from './prepare.mjs';
import { complain } from './script.mjs';

const PARENT_CHECK_MS = 500;

/** npm does not pass SIGTERM on: when the npm that started us is gone, gateway or client stops too instead of staying behind. */
const followParent = () => {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, PARENT_CHECK_MS);
  timer.unref();
};

/**
 * Checks the machine, sets up what is missing, and becomes the gateway's command line in this same process, so that
 * signals and the exit code are its own. Resolves with 1 when the machine will not do; nothing was changed then.
 */
export const launch = async (argv) => {
  const needs = needsOf(argv);
  const facts = gatherFacts();
  const problems = needs?.devices ? checkRun(facts) : checkMachine(facts);
  if (problems.length > 0) {
    for (const problem of problems) complain(problem);
    return 1;
  }
  await (needs ? prepareRun(facts, needs) : prepareVerbs(facts));
  if (needs?.devices) followParent();
  process.setSourceMapsEnabled(true);
  process.argv = [process.execPath, gatewayEntry, ...argv];
  await import(pathToFileURL(gatewayEntry).href);
  return undefined;
};
