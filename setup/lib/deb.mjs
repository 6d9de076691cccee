import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, lutimes, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { runCommand } from './command.mjs';
import { root } from './paths.mjs';
import { copyProduction, filesBelow, installedPackages, ownVersion } from './production.mjs';
import { makeSbom } from './sbom.mjs';
import { SetupError } from './script.mjs';

const NAME = 'pptp-gateway';
const parts = join(root, 'deploy', 'debian');
/** Whoever hands the package on puts themselves here. */
const MAINTAINER = 'pptp-gateway maintainers <maintainers@pptp-gateway.invalid>';
const HOME = join('usr', 'lib', NAME);
const DOC = join('usr', 'share', 'doc', NAME);
/** Debian's names of the processors that Node runs on. */
const ARCHITECTURES = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'armhf',
  ia32: 'i386',
  ppc64: 'ppc64el',
  riscv64: 'riscv64',
};
const SCRIPTS = ['postinst', 'prerm', 'postrm'];

/** What goes where: from the checkout, or from the folder of this package's own parts; with its mode. */
const FILES = [
  { from: join(parts, 'pptp-gateway'), to: 'usr/bin/pptp-gateway', mode: 0o755 },
  { from: join(root, 'deploy', 'systemd', 'pptp-gateway.service'), to: 'usr/lib/systemd/system/pptp-gateway.service' },
  { from: join(root, 'deploy', 'systemd', 'pptp-gateway.sysusers'), to: 'usr/lib/sysusers.d/pptp-gateway.conf' },
  {
    from: join(parts, 'pptp-gateway.yaml'),
    to: 'etc/pptp-gateway/pptp-gateway.yaml',
    mode: 0o640,
    configuration: true,
  },
  { from: join(parts, 'pptp-gateway.env'), to: 'etc/pptp-gateway/pptp-gateway.env', mode: 0o640, configuration: true },
  { from: join(parts, 'README.Debian'), to: join(DOC, 'README.Debian') },
  { from: join(parts, 'lintian-overrides'), to: `usr/share/lintian/overrides/${NAME}` },
];
const MAN_PAGE = join(root, 'deploy', 'man', 'pptp-gateway.1');

const put = async (tree, to, content, mode = 0o644) => {
  const path = join(tree, to);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  await chmod(path, mode);
};

/** Mail date of RFC 5322, as a changelog of Debian has it. */
const mailDate = (epoch) => new Date(epoch * 1000).toUTCString().replace('GMT', '+0000');

const changelog = (version, epoch) =>
  `${NAME} (${version}) unstable; urgency=medium\n\n  * Built from the sources of this version.\n\n -- ${MAINTAINER}  ${mailDate(epoch)}\n`;

/** Who holds which part, by the licences that the packages name; their texts are in the folders of the packages. */
const copyrightFile = (packages, own) => {
  const stanzas = packages
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map(
      ({ path, name, version, license }) =>
        `Files: ${join(HOME, path)}/*\nCopyright: the authors of ${name} ${version}\nLicense: ${license}\n`,
    );
  const licences = [...new Set(packages.map(({ license }) => license))].sort();
  return [
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: pptp-gateway\n',
    `Files: *\nCopyright: the authors of pptp-gateway\nLicense: ${own}\n`,
    ...stanzas,
    ...[...new Set([own, ...licences])].map(
      (licence) => `License: ${licence}\n The text is in the folder of each package below /${HOME}/node_modules.\n`,
    ),
  ].join('\n');
};

const control = ({ version, architecture, octets, node }) =>
  `Package: ${NAME}
Version: ${version}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${Math.ceil(octets / 1024)}
Depends: nodejs (>= ${node}), iproute2, nftables, libc6, libstdc++6
Recommends: systemd
Section: net
Priority: optional
Homepage: https://www.rfc-editor.org/rfc/rfc2637
Description: PPTP edge gateway
 A server for the Point-to-Point Tunneling Protocol (RFC 2637) in user space:
 control connection, GRE, PPP, MS-CHAPv2 and MPPE are its own, and it needs no
 PPP in the kernel. With administration, metrics and traces.
 .
 PPTP is an old and broken protocol. This is for clients that speak nothing
 else.
`;

/** The same time on everything, and modes that do not depend on the umask of the builder. */
const settle = async (tree, epoch) => {
  let octets = 0;
  const visit = async (folder) => {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) await visit(path);
      else octets += (await stat(path)).size;
      if (entry.isDirectory()) await chmod(path, 0o755);
      await lutimes(path, epoch, epoch);
    }
  };
  await visit(tree);
  await chmod(tree, 0o755);
  await lutimes(tree, epoch, epoch);
  return octets;
};

const fillTree = async (tree, { version, epoch, own }) => {
  await copyProduction(join(tree, HOME));
  for (const path of await filesBelow(join(tree, HOME))) {
    if (path.endsWith('.node')) await strip(join(tree, HOME, path));
    // Packages come from npm with whatever modes their authors had.
    await chmod(join(tree, HOME, path), 0o644);
  }
  for (const { from, to, mode } of FILES) {
    await mkdir(dirname(join(tree, to)), { recursive: true });
    await copyFile(from, join(tree, to));
    await chmod(join(tree, to), mode ?? 0o644);
  }
  if (existsSync(MAN_PAGE))
    await put(tree, 'usr/share/man/man1/pptp-gateway.1.gz', gzipSync(await readFile(MAN_PAGE), { level: 9 }));
  await put(tree, `usr/share/bash-completion/completions/${NAME}`, completion(tree));
  await put(tree, join(DOC, 'copyright'), copyrightFile(await installedPackages(), own));
  await put(tree, join(DOC, 'changelog.gz'), gzipSync(changelog(version, epoch), { level: 9 }));
  await put(tree, join(DOC, 'sbom.cdx.json'), await makeSbom(epoch));
};

/** As the program itself writes it. */
const completion = (tree) =>
  execFileSync(process.execPath, [join(tree, HOME, 'dist', 'gateway', 'main.js'), 'completion', 'bash'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

/** Without what only a debugger needs; where there is no strip it stays. */
const strip = async (file) => {
  await runCommand('strip', ['--strip-unneeded', file], { stdout: 'ignore' }).catch(() => undefined);
};

const writeControl = async (tree, facts) => {
  const sums = [];
  for (const path of await filesBelow(tree)) {
    if (path.startsWith('etc/')) continue;
    sums.push(
      `${createHash('md5')
        .update(await readFile(join(tree, path)))
        .digest('hex')}  ${path}\n`,
    );
  }
  await put(tree, 'DEBIAN/control', control(facts));
  await put(tree, 'DEBIAN/md5sums', sums.join(''));
  const configuration = FILES.filter((one) => one.configuration === true).map(({ to }) => `/${to}\n`);
  await put(tree, 'DEBIAN/conffiles', configuration.join(''));
  for (const name of SCRIPTS) await put(tree, `DEBIAN/${name}`, await readFile(join(parts, name)), 0o755);
};

/**
 * Makes the package in the folder `output` from what is built, and resolves with its path. `epoch`: the time of everything
 * in it, in seconds. `compression` is one of dpkg-deb.
 */
export const buildDeb = async ({ output, epoch, compression = 'xz' }) => {
  const version = await ownVersion();
  const architecture = ARCHITECTURES[process.arch];
  if (architecture === undefined) throw new SetupError('NO_ARCHITECTURE', `Debian has no name for ${process.arch}.`);
  const { license: own, engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const node = /\d+(\.\d+)*/.exec(engines.node)[0];
  const tree = await mkdtemp(join(tmpdir(), 'pptp-deb-'));
  try {
    await fillTree(tree, { version, epoch, own });
    const octets = await settle(tree, epoch);
    await writeControl(tree, { version, architecture, octets, node });
    await settle(join(tree, 'DEBIAN'), epoch);
    await mkdir(output, { recursive: true });
    const file = join(output, `${NAME}_${version}_${architecture}.deb`);
    const words = ['--root-owner-group', `-Z${compression}`, '--build', tree, file];
    const code = await runCommand('dpkg-deb', words, { env: { SOURCE_DATE_EPOCH: String(epoch) }, stdout: 'ignore' });
    if (code !== 0) throw new SetupError('DEB_FAILED', `dpkg-deb failed with status ${code}; it is part of Debian.`);
    return file;
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
};
