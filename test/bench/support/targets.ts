/** The figures that have a target, in the order in which they are reported. */
export const TARGETS = {
  'tcp-openvpn': { figure: 'TCP through the tunnel against OpenVPN AES-128-GCM', target: '≥ 1.6 ×' },
  'tcp-wireguard': { figure: 'TCP against wireguard-go', target: '≥ 1.8 ×' },
  'tcp-plain-c': { figure: 'TCP against the plain-C forwarder of the same path', target: '≥ 0.85' },
  'cpu-per-packet': { figure: 'CPU per 1400-octet packet, each end', target: '≤ 5 µs' },
  'small-packets': { figure: '64-octet packets', target: '≥ 200,000 /s with < 0.1 % loss' },
  latency: {
    figure: 'ping through an idle tunnel, and under bulk load of another tunnel',
    target: "p50 ≤ 2 × the C forwarder's; p99 ≤ 5 ms",
  },
  setups: { figure: 'complete set-ups (SCCRQ to IPCP open, MS-CHAPv2, MPPE)', target: '≥ 500 /s per core' },
  idle: {
    figure: '10,000 idle tunnels',
    target: '≤ 16 KiB each, ≤ 10 % of one core, none lost',
  },
  workers: { figure: 'CPU per packet of two workers against one', target: '≤ 1.1 ×' },
} as const;
export type TargetName = keyof typeof TARGETS;
