import { expect, test } from 'vitest';
import type { GreSnapshot } from '../../../core/datapath/gre-channel.ts';
import { Session } from '../../../core/datapath/session.ts';
import { callId, sessionId } from '../../../core/ports/ids.ts';
import { instant } from '../../../core/time.ts';
import { NumberKeeper } from '../../../gateway/numbers.ts';
import { Outbox } from '../../../gateway/session/outbox.ts';
import type { TunnelView } from '../../../gateway/session/tunnel-view.ts';
import { address, silentTelemetry } from '../../support/batches.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MemoryTelemetry } from '../../support/memory-telemetry.ts';

const call = {
  local: address('198.51.100.1'),
  peer: address('203.0.113.1'),
  localCallId: callId(1),
  peerCallId: callId(2),
};
const session = new Session(sessionId('s'), call);

const gre = (numbers: Partial<GreSnapshot>): GreSnapshot => ({
  received: 0,
  receivedOctets: 0,
  sent: 0,
  sentOctets: 0,
  lost: 0,
  held: 0,
  reordered: 0,
  peerAcknowledged: -1,
  window: undefined,
  ...numbers,
});

const window = (numbers: Partial<NonNullable<GreSnapshot['window']>>): GreSnapshot['window'] => ({
  size: 0,
  maximum: 64,
  inFlight: 0,
  timeOuts: 0,
  limiting: true,
  roundTripMs: 0,
  deviationMs: 0,
  timeoutMs: 0,
  waiting: 0,
  dropped: 0,
  ...numbers,
});

const view = (upAt: number | undefined, numbers: GreSnapshot | undefined): TunnelView => ({
  session,
  peerName: 'p',
  openedAt: instant(0),
  upAt: upAt === undefined ? undefined : instant(upAt),
  traceId: 't',
  encryption: 'none',
  drops: new Map(),
  gre: numbers,
  lastReceived: undefined,
});

const rig = () => {
  let tunnels: readonly TunnelView[] = [];
  const clock = new FakeClock(5_000);
  const telemetry = new MemoryTelemetry();
  const outbox = new Outbox('control-frames', 4, clock, silentTelemetry);
  const keeper = new NumberKeeper({
    clock,
    telemetry,
    outboxes: [outbox],
    addresses: {
      gatewayAddress: address('10.0.0.1'),
      lease: () => ({ ok: false, why: 'exhausted' }),
      release: () => undefined,
      size: 253,
      inUse: 2,
    },
    prefixes: undefined,
    tunnels: () => tunnels,
    controlConnections: () => 3,
    setups: () => ({ running: 2, waiting: 1 }),
    tunName: () => 'pptp0',
  });
  return {
    keeper,
    telemetry,
    outbox,
    set: (...views: TunnelView[]) => {
      tunnels = views;
    },
  };
};

test('numbers add up over tunnels, by state', () => {
  const { keeper, set } = rig();
  set(
    view(1, gre({ lost: 1, reordered: 2, held: 3, window: window({ size: 8, inFlight: 4, timeOuts: 1, waiting: 9 }) })),
    view(2, gre({ lost: 10, window: window({ size: 16, inFlight: 2 }) })),
    view(undefined, undefined),
  );
  expect(keeper.read()).toMatchObject({
    settingUp: 1,
    up: 2,
    controlConnections: 3,
    setups: { running: 2, waiting: 1 },
    tun: 'pptp0',
    gre: { lost: 11, reordered: 2, held: 3, windowTimeOuts: 1, windowSize: 24, inFlight: 6, waiting: 9 },
    pools: [{ family: 'ipv4', used: 2, size: 253 }],
  });
});

test('what only grows stays when a tunnel ends, what is of the moment goes', () => {
  const { keeper, set, telemetry } = rig();
  const ended = view(1, gre({ lost: 5, reordered: 6, held: 7, window: window({ size: 8, timeOuts: 2 }) }));
  set(ended);
  const before = keeper.read();
  set();
  keeper.ended({ view: ended, reason: 'idle', detail: '' });
  keeper.ended({ view: view(undefined, undefined), reason: 'no-gre', detail: '' });
  expect(before.gre).toMatchObject({ lost: 5, windowTimeOuts: 2 });
  expect(keeper.read().gre).toEqual({
    lost: 5,
    reordered: 6,
    windowTimeOuts: 2,
    windowSize: 0,
    inFlight: 0,
    held: 0,
    waiting: 0,
  });
  expect(telemetry.measures).toEqual([
    { name: 'pptp.tunnel.duration', seconds: 5, attributes: { reason: 'idle' } },
    { name: 'pptp.tunnel.duration', seconds: 5, attributes: { reason: 'no-gre' } },
  ]);
});

test('a queue says what waits now, and what has waited at most', () => {
  const { keeper, outbox } = rig();
  const queue = () => keeper.read().queues[0];
  for (let packet = 0; packet < 3; packet += 1) outbox.put(session, 0xc021, new Uint8Array(4));
  expect(queue()).toEqual({ queue: 'control-frames', packets: 3, peak: 0, limit: 4 });
  outbox.flush();
  outbox.put(session, 0xc021, new Uint8Array(4));
  outbox.flush();
  expect(queue()).toEqual({ queue: 'control-frames', packets: 0, peak: 3, limit: 4 });
});
