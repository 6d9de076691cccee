#!/usr/bin/env node
// pptp-gateway: any verb, built first if necessary.
import { launch } from './lib/launch.mjs';
import { runScript } from './lib/script.mjs';

await runScript(launch);
