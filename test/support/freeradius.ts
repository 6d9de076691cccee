import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { unpackedPrograms } from '../../setup/lib/unpacked.mjs';
import { tlsVector } from './eap-tls-files.ts';
import { PATIENCE_MS } from './patience.ts';

/** Why FreeRADIUS cannot be run here; undefined when it can. */
export const freeradiusUnavailable = (): string | undefined => {
  for (const program of ['freeradius', 'radclient']) {
    try {
      execFileSync(program, ['-v'], { stdio: 'pipe' });
    } catch {
      return `the program "${program}" is missing (Debian packages freeradius and freeradius-utils)`;
    }
  }
  return undefined;
};

/** A user of the file `users`. */
export interface RadiusUser {
  readonly name: string;
  readonly password: string;
  /** Lines such as `Framed-IP-Address = 10.0.0.7`, for the Access-Accept. */
  readonly reply?: readonly string[];
}

export interface FreeradiusOptions {
  /** Network namespace that it runs in; without one, here. */
  readonly namespace?: string;
  readonly address: string;
  readonly port: number;
  readonly accountingPort: number;
  readonly secret: string;
  readonly users: readonly RadiusUser[];
  /** What it offers first within EAP; `peap` (with MS-CHAPv2 inside) if left out. */
  readonly eap?: 'peap' | 'tls';
}

/** One accounting record as the server wrote it down: names and values as its dictionary has them. */
export type WrittenRecord = ReadonlyMap<string, readonly string[]>;

const daemon = (folder: string): string => {
  const unpacked = join(unpackedPrograms, 'freeradius-tree', 'usr', 'lib', 'freeradius');
  return `
prefix = ${folder}
sysconfdir = ${folder}
raddbdir = ${folder}
logdir = ${folder}
run_dir = ${folder}
name = freeradius
libdir = ${existsSync(unpacked) ? unpacked : '/usr/lib/freeradius'}
proxy_requests = no
max_request_time = 5
cleanup_delay = 1
max_requests = 4096
hostname_lookups = no
correct_escapes = true
security {
  reject_delay = 0
  status_server = yes
}
thread pool {
  start_servers = 2
  max_servers = 4
  min_spare_servers = 1
  max_spare_servers = 2
}
`;
};

const moduleBlock = (folder: string, { eap = 'peap' }: FreeradiusOptions): string => `
modules {
  always ok {
    rcode = ok
  }
  pap {
  }
  chap {
  }
  mschap {
    use_mppe = yes
    require_encryption = yes
    require_strong = yes
  }
  files {
    filename = ${folder}/users
  }
  detail {
    filename = ${folder}/accounting
    permissions = 0600
    header = "%S"
  }
  eap {
    default_eap_type = ${eap}
    timer_expire = 60
    max_sessions = 100
    md5 {
    }
    mschapv2 {
    }
    tls-config tls-common {
      private_key_file = ${folder}/server.key
      certificate_file = ${folder}/server.pem
      ca_file = ${folder}/ca.pem
      cipher_list = "DEFAULT"
      tls_min_version = "1.2"
      tls_max_version = "1.2"
      ecdh_curve = ""
      cache {
        enable = no
      }
    }
    tls {
      tls = tls-common
    }
    peap {
      tls = tls-common
      default_eap_type = mschapv2
      virtual_server = inner
    }
  }
}
`;

const servers = ({ address, port, accountingPort, secret }: FreeradiusOptions): string => `
client everybody {
  ipaddr = 0.0.0.0/0
  secret = "${secret}"
  require_message_authenticator = yes
}
server outer {
  listen {
    type = auth
    ipaddr = ${address}
    port = ${port}
  }
  listen {
    type = acct
    ipaddr = ${address}
    port = ${accountingPort}
  }
  authorize {
    chap
    mschap
    eap {
      ok = return
    }
    files
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
    Auth-Type CHAP {
      chap
    }
    Auth-Type MS-CHAP {
      mschap
    }
    mschap
    eap
  }
  accounting {
    detail
    ok
  }
  post-auth {
    # Releases before 3.2.5 leave it out of answers, unless told so.
    update reply {
      Message-Authenticator := 0x00
    }
    Post-Auth-Type REJECT {
      update reply {
        Message-Authenticator := 0x00
      }
    }
  }
}
server inner {
  authorize {
    mschap
    eap {
      ok = return
    }
    files
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
    Auth-Type MS-CHAP {
      mschap
    }
    mschap
    eap
  }
}
`;

const usersFile = (users: readonly RadiusUser[]): string =>
  users
    .map(({ name, password, reply = [] }) => {
      const quoted = password.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
      const lines = reply.map((line, at) => `\t${line}${at < reply.length - 1 ? ',' : ''}\n`);
      return `${name} Cleartext-Password := "${quoted}"\n${lines.join('')}\n`;
    })
    .join('');

/** Debian's FreeRADIUS with a configuration of its own, in the foreground. */
export class Freeradius {
  readonly options: FreeradiusOptions;
  readonly lines: string[] = [];
  private readonly folder: string;
  private child: ChildProcess | undefined;

  private constructor(options: FreeradiusOptions, folder: string) {
    this.options = options;
    this.folder = folder;
  }

  /** Resolves when it answers requests. */
  static async start(options: FreeradiusOptions): Promise<Freeradius> {
    const folder = await mkdtemp(join(tmpdir(), 'pptp-freeradius-'));
    const server = new Freeradius(options, folder);
    for (const name of ['ca.pem', 'server.pem', 'server.key']) {
      await writeFile(join(folder, name), await readFile(tlsVector(name)), { mode: 0o600 });
    }
    const config = daemon(folder) + moduleBlock(folder, options) + servers(options);
    await writeFile(join(folder, 'radiusd.conf'), config, { mode: 0o600 });
    await writeFile(join(folder, 'dictionary'), '');
    await writeFile(join(folder, 'users'), usersFile(options.users), { mode: 0o600 });
    await server.resume();
    return server;
  }

  /** Starts it again after `kill`, as it was. */
  async resume(): Promise<void> {
    const [program, ...args] = this.command('freeradius', '-f', '-l', 'stdout', '-n', 'radiusd', '-d', this.folder);
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`FreeRADIUS ${why}:\n${this.lines.slice(-20).join('\n')}`));
      const timer = setTimeout(() => fail('did not become ready'), PATIENCE_MS);
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          this.lines.push(line);
          if (line.includes('Ready to process requests')) {
            clearTimeout(timer);
            resolve();
          }
        });
      }
      child.once('error', (cause) => fail(cause.message));
      child.once('close', (code) => {
        clearTimeout(timer);
        fail(`ended with status ${code}`);
      });
    });
  }

  /** It is gone, without a goodbye. Safe to call twice. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }

  /** Ends it and removes what it wrote. */
  async stop(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The accounting records that it has confirmed, in order. */
  async records(): Promise<readonly WrittenRecord[]> {
    const text = await readFile(join(this.folder, 'accounting'), 'utf8').catch(() => '');
    return text
      .split('\n\n')
      .filter((block) => block.includes('\t'))
      .map(parseRecord);
  }

  /** Sends a request with radclient to somebody, from where this server runs; its output, the answer included. */
  radclient(
    to: string,
    kind: 'disconnect' | 'coa',
    secret: string,
    lines: readonly string[],
    timeoutSeconds = 10,
  ): Promise<string> {
    const wait = String(timeoutSeconds);
    const [program, ...args] = this.command('radclient', '-x', '-r', '1', '-t', wait, to, kind, secret);
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.end(`${lines.join('\n')}\n`);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => resolve(output));
    });
  }

  private command(program: string, ...args: readonly string[]): [string, ...string[]] {
    const { namespace } = this.options;
    return namespace === undefined ? [program, ...args] : ['ip', 'netns', 'exec', namespace, program, ...args];
  }
}

/** Lines "Name = value" and "Name = "value"". */
const parseRecord = (block: string): WrittenRecord => {
  const record = new Map<string, string[]>();
  for (const line of block.split('\n')) {
    const [, name, value] = /^\t([\w:-]+) = (.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    const plain = value.replace(/^"(.*)"$/, '$1');
    record.set(name, [...(record.get(name) ?? []), plain]);
  }
  return record;
};
