import { ADDRESSES } from './topology.ts';

export type ClientAuth = 'pap' | 'chap' | 'mschap' | 'mschap-v2' | 'eap';
export type ClientMppe = '128' | '40' | 'any' | '128-stateful' | '40-stateful' | 'none' | 'unsaid';

export interface DialOptions {
  readonly user: string;
  readonly password: string;
  /** Default: the gateway's first address. */
  readonly server?: string;
  /** What the client agrees to; `any` is all it can. Default `mschap-v2`. */
  readonly auth?: ClientAuth | 'any';
  /** Default `128`: no tunnel without it. `unsaid` leaves the client's defaults, `none` refuses encryption. */
  readonly mppe?: ClientMppe;
  /** MTU and MRU the client wants, octets. Default 1400. */
  readonly mtu?: number;
  /** Network routed into the tunnel, or `none`. Default: the intranet. */
  readonly route?: string;
  /** The Call ID the client shall use; otherwise it is random. */
  readonly callId?: number;
  /** More options for pppd, one line each. */
  readonly pppOptions?: readonly string[];
  /** More options for pptp(8). */
  readonly pptpOptions?: string;
  /** How long the tunnel may take to come up. Default 20. */
  readonly waitSeconds?: number;
}

export interface TunnelUp {
  readonly up: true;
  readonly local: string;
  readonly remote: string;
  readonly interface: string;
  /** As pppd says it: `128-bit stateless`, or `none`. */
  readonly mppe: string;
  /** As pppd says it: `chap MS-v2`, `pap`, `eap`; empty when the server asked for nothing. */
  readonly auth: string;
  /** From the order to dial until the client had its address. */
  readonly setupMs: number;
}

export interface TunnelDown {
  readonly up: false;
  /** The client's own log of the attempt. */
  readonly log: string;
}

export type DialResult = TunnelUp | TunnelDown;

const METHODS: readonly ClientAuth[] = ['pap', 'chap', 'mschap', 'mschap-v2', 'eap'];

function authOptions(auth: ClientAuth | 'any'): readonly string[] {
  return auth === 'any' ? [] : METHODS.filter((method) => method !== auth).map((method) => `refuse-${method}`);
}

function mppeOptions(mppe: ClientMppe): readonly string[] {
  switch (mppe) {
    case 'unsaid':
      return [];
    case 'none':
      return ['nomppe'];
    case 'any':
      return ['require-mppe'];
    case '128':
    case '40':
      return [`require-mppe-${mppe}`];
    case '128-stateful':
    case '40-stateful':
      return [`require-mppe-${mppe.slice(0, mppe.indexOf('-'))}`, 'mppe-stateful'];
  }
}

/** The arguments of lab/in-guest/dial. */
export function dialArguments(options: DialOptions): readonly string[] {
  const args = ['--server', options.server ?? ADDRESSES.gateway, '--user', options.user];
  args.push('--password', options.password, '--mtu', String(options.mtu ?? 1400));
  args.push('--route', options.route ?? ADDRESSES.intranetNet, '--wait', String(options.waitSeconds ?? 60));
  if (options.callId !== undefined) args.push('--call-id', String(options.callId));
  if (options.pptpOptions !== undefined) args.push('--pptp', options.pptpOptions);
  const lines = [
    ...authOptions(options.auth ?? 'mschap-v2'),
    ...mppeOptions(options.mppe ?? '128'),
    ...(options.pppOptions ?? []),
  ];
  for (const line of lines) args.push('--option', line);
  return args;
}

/** Reads what lab/in-guest/dial printed. */
export function parseDial(output: string, setupMs: number): DialResult {
  const fields = new Map<string, string>();
  for (const line of output.split('\n')) {
    const [, key, value] = /^([a-z]+)=(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined && !fields.has(key)) fields.set(key, value);
  }
  if (fields.get('up') !== '1') return { up: false, log: output };
  const field = (name: string): string => fields.get(name) ?? '';
  return {
    up: true,
    local: field('local'),
    remote: field('remote'),
    interface: field('interface'),
    mppe: field('mppe').replace(/^MPPE /, '') || 'none',
    auth: field('auth'),
    setupMs,
  };
}
