import type { Schema } from 'convict';
import {
  asciiName,
  auto,
  either,
  fileOrNone,
  integer,
  list,
  methodName,
  milliseconds,
  mppeStrength,
  oneOf,
  seconds,
  toggle,
} from './formats.ts';
import { key } from './key.ts';
import type { RawConfig } from './types.ts';

/** Keys of a tunnel on the way to its peer: GRE, PPP, authentication and encryption. */
export const linkKeys = {
  gre: {
    driver: key(oneOf('auto', 'batch', 'raw-socket'), {
      env: 'PPTP_GRE_DRIVER',
      default: 'auto',
      doc: 'How GRE packets are received and sent: in batches by the native addon, one by one by the package raw-socket, or in batches where the addon has them (the log line gre.open says which, and why).',
    }),
    ackDelayMs: key(milliseconds(0, 2000), {
      env: 'PPTP_GRE_ACK_DELAY_MS',
      reload: true,
      default: 100,
      doc: 'Wait for a packet to carry an acknowledgement before one is sent alone.',
    }),
    receiveWindow: key(integer(1, 65_535, 'packets'), {
      env: 'PPTP_GRE_RECEIVE_WINDOW',
      reload: true,
      default: 64,
      doc: 'Packet Receive Window Size offered to peers.',
    }),
    reorderWindow: key(integer(0, 1024, 'packets'), {
      env: 'PPTP_GRE_REORDER_WINDOW',
      reload: true,
      default: 64,
      doc: 'Packets per call held back to restore their order; 0 delivers at once and drops what comes late.',
    }),
    reorderTimeoutMs: key(milliseconds(1, 5000), {
      env: 'PPTP_GRE_REORDER_TIMEOUT_MS',
      reload: true,
      default: 300,
      doc: 'How long a missing packet is waited for.',
    }),
    window: key(oneOf('off', 'on'), {
      env: 'PPTP_GRE_WINDOW',
      default: 'off',
      doc: 'Sliding window of RFC 2637 section 4.2: send no more than the peer has room for. Costs throughput on long paths.',
    }),
    windowQueue: key(integer(1, 4096, 'packets'), {
      env: 'PPTP_GRE_WINDOW_QUEUE',
      reload: true,
      default: 256,
      doc: 'Packets per call that wait while the window is closed; more are dropped.',
    }),
    windowMaxTimeoutMs: key(milliseconds(100, 60_000), {
      env: 'PPTP_GRE_WINDOW_MAX_TIMEOUT_MS',
      reload: true,
      default: 3000,
      doc: 'Longest wait for an acknowledgement while the window is on (MaxTimeOut); it adapts to the path below that.',
    }),
    silenceSeconds: key(seconds(1, 600), {
      env: 'PPTP_GRE_SILENCE',
      reload: true,
      default: 10,
      doc: 'Time after call set-up without any GRE packet after which the log says that GRE is filtered on the way.',
    }),
    checkPeerAddress: key(toggle, {
      env: 'PPTP_GRE_CHECK_PEER_ADDRESS',
      default: true,
      doc: 'Accept the GRE packets of a call only from the address of its control connection.',
    }),
  },
  ppp: {
    mru: key(either(integer(576, 1500, 'octets'), auto), {
      env: 'PPTP_MRU',
      default: 1400,
      doc: 'Maximum-Receive-Unit offered to peers; `auto` is the MTU of the outer interface less 40 octets, 1460 on Ethernet.',
    }),
    echoInterval: key(seconds(0, 3600), {
      env: 'PPTP_LCP_ECHO_INTERVAL',
      reload: true,
      default: 30,
      doc: 'Time between LCP Echo-Requests; 0 sends none.',
    }),
    echoFailures: key(integer(1, 100), {
      env: 'PPTP_LCP_ECHO_FAILURES',
      reload: true,
      default: 4,
      doc: 'Unanswered LCP Echo-Requests in a row after which the peer counts as gone.',
    }),
    restartTimer: key(seconds(1, 60), {
      env: 'PPTP_PPP_RESTART_TIMER',
      reload: true,
      default: 3,
      doc: 'Restart timer of LCP, CCP and IPCP (RFC 1661 section 4.6).',
    }),
    maxConfigure: key(integer(1, 255), {
      env: 'PPTP_PPP_MAX_CONFIGURE',
      reload: true,
      default: 10,
      doc: 'Configure-Requests sent without an answer before the peer is given up.',
    }),
    maxTerminate: key(integer(1, 255), {
      env: 'PPTP_PPP_MAX_TERMINATE',
      reload: true,
      default: 2,
      doc: 'Terminate-Requests sent without an answer.',
    }),
    maxFailure: key(integer(1, 255), {
      env: 'PPTP_PPP_MAX_FAILURE',
      reload: true,
      default: 5,
      doc: 'Configure-Naks sent before the option is rejected.',
    }),
    authTimeout: key(seconds(1, 600), {
      env: 'PPTP_AUTH_TIMEOUT',
      reload: true,
      default: 60,
      doc: 'Time for a peer to complete authentication; people need some of it to type a password again.',
    }),
    idleTimeout: key(seconds(0, 31_536_000), {
      env: 'PPTP_IDLE_TIMEOUT',
      reload: true,
      default: 0,
      doc: 'Time without user data in either direction after which a session ends; 0 is never.',
    }),
    sessionTimeout: key(seconds(0, 31_536_000), {
      env: 'PPTP_SESSION_TIMEOUT',
      reload: true,
      default: 0,
      doc: 'Time after which a session ends, whatever passes; 0 is never.',
    }),
  },
  auth: {
    methods: key(list(methodName, 'authentication methods', 16, 1), {
      env: 'PPTP_AUTH_METHODS',
      reload: true,
      default: ['ms-chap-v2'],
      doc: 'Methods offered to peers, strongest first whatever their order here, and nothing below them: `ms-chap-v2`, `eap` (see `eap.methods`), and the weak `ms-chap-v1`, `chap-md5` and `pap`.',
    }),
    maxAttempts: key(integer(1, 10), {
      env: 'PPTP_AUTH_MAX_ATTEMPTS',
      default: 3,
      doc: 'Passwords a peer may try on one call.',
    }),
  },
  eap: {
    methods: key(list(methodName, 'EAP methods', 16, 1), {
      env: 'PPTP_EAP_METHODS',
      default: ['ms-chap-v2'],
      doc: 'Methods within `eap`, the one to offer first in front: `tls`, `ms-chap-v2`, and the weak `md5`, which yields no keys.',
    }),
    relay: key(oneOf('auto', 'on', 'off'), {
      env: 'PPTP_EAP_RELAY',
      default: 'auto',
      doc: 'Whether EAP goes to a server elsewhere first (a plug-in such as `radius` takes it there), and `eap.methods` are for those whom it does not know: `auto` where a plug-in can, `on`, `off`.',
    }),
    tlsCert: key(fileOrNone, {
      env: 'PPTP_EAP_TLS_CERT',
      default: 'none',
      doc: 'EAP-TLS: our certificate, intermediate ones behind it.',
    }),
    tlsKey: key(fileOrNone, {
      env: 'PPTP_EAP_TLS_KEY',
      default: 'none',
      doc: 'EAP-TLS: the private key of our certificate, without a passphrase.',
    }),
    tlsCa: key(fileOrNone, {
      env: 'PPTP_EAP_TLS_CA',
      default: 'none',
      doc: 'EAP-TLS: the authorities whose certificates are accepted from the other side.',
    }),
    tlsCrl: key(fileOrNone, {
      env: 'PPTP_EAP_TLS_CRL',
      default: 'none',
      doc: 'EAP-TLS: revocation lists of all these authorities; a changed file is read again.',
    }),
    tlsMinVersion: key(oneOf('1.2', '1.3'), {
      env: 'PPTP_EAP_TLS_MIN_VERSION',
      default: '1.2',
      doc: 'EAP-TLS: the oldest TLS version.',
    }),
    tlsMaxVersion: key(oneOf('1.2', '1.3'), {
      env: 'PPTP_EAP_TLS_MAX_VERSION',
      default: '1.3',
      doc: 'EAP-TLS: the newest TLS version.',
    }),
    tlsServerName: key(either(asciiName, oneOf('none')), {
      env: 'PPTP_EAP_TLS_SERVER_NAME',
      default: 'none',
      doc: 'EAP-TLS, when dialling: a name that the certificate of the server must hold; `none` trusts every server certificate of the authorities.',
    }),
  },
  mppe: {
    policy: key(oneOf('required', 'preferred', 'permitted', 'disabled'), {
      env: 'PPTP_MPPE',
      default: 'required',
      doc: 'Encryption: `required` refuses peers without it, `preferred` asks for it, `permitted` takes it if asked, `disabled` never.',
    }),
    strengths: key(list(mppeStrength, 'key lengths', 3), {
      env: 'PPTP_MPPE_STRENGTHS',
      reload: true,
      default: [128],
      doc: 'Key lengths in bits that may be negotiated. 40 and 56 are weak and must be listed to be used.',
    }),
    stateful: key(oneOf('off', 'allow', 'prefer'), {
      env: 'PPTP_MPPE_STATEFUL',
      reload: true,
      default: 'off',
      doc: 'Encryption and compression whose state goes on from packet to packet: never, if the peer asks, or if it can. Each lost packet costs a round trip. Linux clients without `mppe-stateful` hang up on `prefer`.',
    }),
    mppc: key(oneOf('off', 'allow', 'prefer'), {
      env: 'PPTP_MPPC',
      default: 'off',
      doc: 'MPPC compression: never, if the peer asks, or if it can. The sizes of compressed packets tell something of their encrypted content.',
    }),
    kernel: key(oneOf('auto', 'typescript'), {
      env: 'PPTP_MPPE_KERNEL',
      default: 'auto',
      doc: 'What encrypts and decrypts packets: the native addon where it can be used and agrees with the reference, or TypeScript alone (the log line mppe.kernel says which, and why).',
    }),
  },
} satisfies Schema<Pick<RawConfig, 'gre' | 'ppp' | 'auth' | 'eap' | 'mppe'>>;
