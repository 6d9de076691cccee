// npm start: set-up, then the gateway in the foreground. Arguments after "--" go to the verb "run".
import { launch } from './lib/launch.mjs';
import { runScript } from './lib/script.mjs';

await runScript((argv) => launch(['run', ...argv]));
