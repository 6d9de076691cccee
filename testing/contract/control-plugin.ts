import type { CallEvent, ControlPlugin } from '../../core/ports/control.ts';
import { callId } from '../../core/ports/ids.ts';
import type { FakeClock } from '../lab/fake-clock.ts';
import { type ContractSuite, suite } from '../suite.ts';
import { given, present, same, settled, withoutThrowing } from '../support/given.ts';
import { testSession } from '../support/sessions.ts';

export interface ControlPluginRig {
  /** Not started. */
  readonly control: ControlPlugin;
  /** A client asks for a call; resolves when it has an answer, whatever that is. Each time another client. */
  place(): Promise<void>;
  /** The client of the latest call ends it. */
  hangUp(): Promise<void>;
  readonly clock?: FakeClock;
  teardown?(): Promise<void>;
}

type Opened = Extract<CallEvent, { readonly kind: 'opened' }>;
type Closed = Extract<CallEvent, { readonly kind: 'closed' }>;

const ERRORS = { crc: 1, framing: 0, hardwareOverruns: 0, bufferOverruns: 0, timeOuts: 0, alignment: 0 };
/** For what is said in order at the end. */
const FAREWELL_MS = 30_000;

/** Everything that a control plug-in says of calls, in order. */
class Listener {
  readonly events: CallEvent[] = [];
  completed = false;

  constructor(control: ControlPlugin) {
    control.calls$.subscribe({
      next: (event) => this.events.push(event),
      complete: () => {
        this.completed = true;
      },
    });
  }

  get opened(): readonly Opened[] {
    return this.events.filter((event): event is Opened => event.kind === 'opened');
  }

  get closed(): readonly Closed[] {
    return this.events.filter((event): event is Closed => event.kind === 'closed');
  }
}

/** What a control connection must tell the gateway. `setup` makes one of its own for each check. */
export const controlPluginContract = (name: string, setup: () => Promise<ControlPluginRig>): ContractSuite => {
  const using = (work: (rig: ControlPluginRig, listener: Listener) => Promise<void>) => async (): Promise<void> => {
    const rig = await setup();
    const listener = new Listener(rig.control);
    try {
      await rig.control.start(new AbortController().signal);
      await work(rig, listener);
    } finally {
      await stopped(rig);
      await rig.teardown?.();
    }
  };
  const oneCall = async (rig: ControlPluginRig, listener: Listener): Promise<Opened> => {
    await rig.place();
    await settled();
    return present(listener.opened.at(-1), 'a call was placed, and none opened');
  };

  return suite(`ControlPlugin: ${name}`, {
    'opens a call with both addresses and both Call IDs': using(async (rig, listener) => {
      const { call, peerName, window } = await oneCall(rig, listener);
      for (const id of [call.localCallId, call.peerCallId]) {
        given(Number.isInteger(id) && id >= 0 && id <= 0xffff, `${id} is no Call ID`);
      }
      given(call.localCallId !== 0, 'our Call ID is 0');
      for (const address of [call.local, call.peer]) {
        given(Number.isInteger(address) && address > 0 && address < 2 ** 32, `${address} is no IPv4 address`);
      }
      given(/^.+:\d+$/.test(peerName), `"${peerName}" is not the address and the port of the peer`);
      given(Number.isInteger(window) && window >= 0, `the window is ${window}`);
    }),

    'gives calls Call IDs of their own': using(async (rig, listener) => {
      for (let n = 0; n < 3; n += 1) await oneCall(rig, listener);
      const ids = listener.opened.map(({ call }) => call.localCallId);
      same(new Set(ids).size, ids.length, `calls share a Call ID: ${ids.join(', ')}`);
    }),

    'says once that the peer ended its call': using(async (rig, listener) => {
      const { call } = await oneCall(rig, listener);
      await rig.hangUp();
      await settled();
      const ends = listener.closed.filter((event) => event.call.localCallId === call.localCallId);
      same(ends.length, 1, 'the call did not close exactly once');
    }),

    'ends a call from our side with the reason given': using(async (rig, listener) => {
      const { call } = await oneCall(rig, listener);
      rig.control.clear(call, 'idle', 'nothing passed');
      await rig.clock?.advance(FAREWELL_MS);
      await settled();
      const [end] = listener.closed;
      same([end?.reason, end?.detail], ['idle', 'nothing passed'], 'it closed for another reason, or not at all');
      withoutThrowing('clear of a call that is over', () => rig.control.clear(call, 'idle', 'once more'));
      await settled();
      same(listener.closed.length, 1, 'the call closed twice');
    }),

    'has nothing to do with calls that it does not know': using(async (rig, listener) => {
      const { call } = await oneCall(rig, listener);
      const strange = { ...testSession(1).call, localCallId: callId(call.localCallId ^ 0x5555) };
      withoutThrowing('clear of a strange call', () => rig.control.clear(strange, 'administrative', 'a mistake'));
      withoutThrowing('wanError of a strange call', () => rig.control.wanError(strange, ERRORS));
      withoutThrowing('settled of a strange call', () => rig.control.settled?.(strange));
      withoutThrowing('wanError', () => rig.control.wanError(call, ERRORS));
      await settled();
      same(listener.closed.length, 0, 'a call ended');
    }),

    'takes no calls when it was told so, and keeps those there are': using(async (rig, listener) => {
      await oneCall(rig, listener);
      rig.control.refuseCalls();
      await rig.place();
      await settled();
      same([listener.opened.length, listener.closed.length], [1, 0], 'calls that opened, and calls that closed');
    }),

    'ends all calls when it is stopped, completes, and may be stopped twice': using(async (rig, listener) => {
      for (let n = 0; n < 2; n += 1) await oneCall(rig, listener);
      await stopped(rig);
      same(listener.closed.length, listener.opened.length, 'calls that closed, of those that had opened');
      given(listener.completed, 'calls$ did not complete');
      await stopped(rig);
    }),

    'may be stopped before it was started': async () => {
      const rig = await setup();
      await stopped(rig);
      await rig.teardown?.();
    },
  });
};

async function stopped({ control, clock }: ControlPluginRig): Promise<void> {
  const stopping = control.stop();
  await clock?.advance(FAREWELL_MS);
  await stopping;
}
