import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.mjs';
import { cache, root } from './paths.mjs';
import { SetupError, say } from './script.mjs';
import { fingerprint, isStamped, writeStamp } from './stamp.mjs';

const own = join('test', 'bench', 'native');
const addon = join('native', 'src');

/** Programs in C that the benchmarks use, and what each is made of. The forwarder has the kernels of the addon. */
const PROGRAMS = {
  forwarder: [
    ...['forwarder.c', 'frames.c'].map((name) => join(own, name)),
    ...['mppe.c', 'sha1.c', 'segment.c', 'coalesce.c'].map((name) => join(addon, name)),
  ],
  'udp-load': [join(own, 'udp-load.c')],
  'icmp-probe': [join(own, 'icmp-probe.c')],
};
/** As node-gyp compiles the addon. */
const FLAGS = ['-std=gnu11', '-D_GNU_SOURCE', '-O3', '-Wall', '-Wextra', '-Wshadow', '-Wconversion'];

/** Where they are; the benchmarks find it in PPTP_BENCH_PROGRAMS. */
export const benchPrograms = join(cache, 'bench');

/** Compiles them unless nothing has changed since the last time. */
export const buildBenchPrograms = async () => {
  const stampFile = join(benchPrograms, '.stamp');
  const wanted = `${await fingerprint(root, [own, addon], (name) => /\.[ch]$/.test(name))} ${process.arch}`;
  if (await isStamped(stampFile, wanted)) return;
  say('compiling the programs of the benchmarks');
  await mkdir(benchPrograms, { recursive: true });
  const [compiler, ...words] = (process.env.CC?.trim() || 'cc').split(/\s+/);
  // Beside what a benchmark may be running, then renamed into its place.
  const folder = await mkdtemp(join(benchPrograms, '.building-'));
  try {
    for (const [name, sources] of Object.entries(PROGRAMS)) {
      const args = [...words, ...FLAGS, '-o', join(folder, name), ...sources];
      const code = await runCommand(compiler, args, { cwd: root, stdout: 'stderr' });
      if (code !== 0) throw new SetupError('BUILD_FAILED', `the compiler found errors in ${sources[0]} (see above).`);
      await rename(join(folder, name), join(benchPrograms, name));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await writeStamp(stampFile, wanted);
};
