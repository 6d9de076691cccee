import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Environment } from '../../config/sources.ts';
import { GatewayError } from '../../core/errors.ts';
import type { AdminTarget } from '../admin/client.ts';

/** Environment names of the command line itself, which no gateway reads. */
export const COMMAND_ENV = ['PPTP_ADMIN_URL', 'PPTP_ADMIN_CA'] as const;
export const CONNECTION_GROUP = 'Which gateway:';

interface ConnectionFlags {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  /** Seconds. */
  readonly timeout?: number;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const invalid = (message: string): GatewayError => new GatewayError('CONFIG_INVALID', message);

const MOST_SECONDS = 86_400;
const parseTimeout = (text: string): number => {
  const seconds = /^\d{1,5}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (seconds <= 0 || seconds > MOST_SECONDS) {
    throw new InvalidArgumentError(`Seconds, above 0 and ${MOST_SECONDS} at most.`);
  }
  return seconds;
};

/** `--url`, `--token-file`, `--ca` and `--timeout`, for verbs that ask a gateway. */
export const addConnectionOptions = (command: Command): Command => {
  const options = [
    new Option('--url <url>', 'ask the gateway there instead of the one on this host (also PPTP_ADMIN_URL)'),
    new Option(
      '--token-file <file>',
      'the token for it (also PPTP_ADMIN_TOKEN_FILE, or the token itself in PPTP_ADMIN_TOKEN)',
    ),
    new Option('--ca <file>', 'PEM of the authority that signed its certificate (also PPTP_ADMIN_CA)'),
    new Option(
      '--timeout <seconds>',
      'how long an answer may take (10; to kick, drain and reload 60, to upgrade 180 if left out)',
    ).argParser(parseTimeout),
  ];
  for (const option of options) command.addOption(option.helpGroup(CONNECTION_GROUP));
  return command;
};

/** What `--timeout` says, in ms. */
export const patienceOf = (command: Command): number | undefined => {
  const { timeout } = command.opts<ConnectionFlags>();
  return timeout === undefined ? undefined : timeout * 1000;
};

const readOrRefuse = async (path: string, what: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw invalid(`${what} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}.`);
  }
};

const given = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

const tokenFrom = async (file: string | undefined, env: Environment): Promise<string | undefined> => {
  const path = file ?? given(env['PPTP_ADMIN_TOKEN_FILE']);
  const token = path === undefined ? env['PPTP_ADMIN_TOKEN'] : await readOrRefuse(path, 'the file of the token');
  const trimmed = given(token?.trim());
  if (trimmed !== undefined && !/^[\x21-\x7e]+$/.test(trimmed)) throw invalid('the token must be one word of ASCII.');
  return trimmed;
};

const urlFrom = (text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '') return url;
  throw invalid(`--url ${text}: write it as https://vpn.example.com:8723; the token goes into a file.`);
};

/**
 * A gateway elsewhere, where `--url` or PPTP_ADMIN_URL names one; a flag that chooses a local one beats the environment.
 * Rejects with CONFIG_INVALID.
 */
export const remoteTarget = async (
  command: Command,
  env: Environment,
  warn: (line: string) => void,
): Promise<Exclude<AdminTarget, string> | undefined> => {
  const flags = command.opts<ConnectionFlags>();
  const local = ['adminSocket', 'stateDir', 'config'].some((name) => command.getOptionValueSource(name) === 'cli');
  const text = flags.url ?? (local ? undefined : given(env['PPTP_ADMIN_URL']));
  if (text === undefined) {
    const stray = flags.tokenFile === undefined ? flags.ca && '--ca' : '--token-file';
    if (stray) throw invalid(`${stray} is for a gateway elsewhere: say which with --url, or leave it out.`);
    return undefined;
  }
  const url = urlFrom(text);
  const token = await tokenFrom(flags.tokenFile, env);
  const caFile = flags.ca ?? given(env['PPTP_ADMIN_CA']);
  const ca = caFile === undefined ? undefined : await readOrRefuse(caFile, 'the file of --ca');
  if (ca?.includes('-----BEGIN CERTIFICATE-----') === false)
    throw invalid(`${caFile} of --ca holds no certificate in PEM.`);
  if (url.protocol === 'http:' && token !== undefined && !LOOPBACK.test(url.hostname)) {
    warn(`warning: the token goes to ${url.host} unencrypted; use https`);
  }
  return { url, ...(token === undefined ? {} : { token }), ...(ca === undefined ? {} : { ca }) };
};
