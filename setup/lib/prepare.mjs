import { missingTools } from '../native.mjs';
import { buildAddon, buildSources } from './build.mjs';
import { buildDashboard, tryDashboard } from './dashboard.mjs';
import { dependenciesAreStale, ensureDependencies } from './dependencies.mjs';
import { gatherFacts } from './facts.mjs';
import { carryOut } from './packages.mjs';
import { planInstall, planPackages } from './preflight.mjs';

/** Packages that compile raw-socket and the addon. */
const TOOL_PACKAGES = ['build-essential', 'python3'];

const ensureTools = async (facts) => {
  const missing = missingTools();
  if (missing.length > 0 && (await dependenciesAreStale())) await carryOut(planInstall(TOOL_PACKAGES, missing, facts));
};

/** Everything the verbs that only read and write files need. */
export const prepareVerbs = async (facts) => {
  await ensureTools(facts);
  await ensureDependencies();
  await buildSources('gateway');
};

/** Everything that a gateway or a client needs to run (`needsOf`). Does nothing when nothing has changed. */
export const prepareRun = async (facts, { programs, dashboard }) => {
  await carryOut(planPackages(programs, facts));
  await prepareVerbs(facts);
  await buildAddon(facts);
  if (dashboard) await tryDashboard();
};

/** Everything that goes into a package or an image. */
export const prepareProduction = async () => {
  const facts = gatherFacts();
  await prepareVerbs(facts);
  await buildAddon(facts);
  await buildDashboard();
};
