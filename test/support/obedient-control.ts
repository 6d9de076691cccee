import { Subject } from 'rxjs';
import type { CallEvent, ClearReason, ControlPlugin } from '../../core/ports/control.ts';
import { type CallEndpoint, type CallIds, callId } from '../../core/ports/ids.ts';
import { LOCAL, PEER } from './batches.ts';

export interface ClearedCall {
  readonly id: number;
  readonly reason: ClearReason;
  readonly detail: string;
}

/** A control connection without a wire: calls open when the test says so, and end at once, as with the real one. */
export class ObedientControl implements ControlPlugin {
  readonly name = 'obedient';
  readonly calls$ = new Subject<CallEvent>();
  readonly cleared: ClearedCall[] = [];
  private readonly callIds: CallIds | undefined;
  private next = 1;

  /** Without `callIds` our Call IDs are 1, 2, 3, ... */
  constructor(callIds?: CallIds) {
    this.callIds = callIds;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  /** Opens a call between LOCAL and PEER. */
  open(peerCallId: number, since: number): CallEndpoint {
    const localCallId = this.callIds === undefined ? callId(this.next) : this.callIds.allocate();
    if (localCallId === undefined) throw new Error('no Call ID is free');
    this.next += 1;
    const call = { local: LOCAL, peer: PEER, localCallId, peerCallId: callId(peerCallId) };
    const peerName = `peer ${peerCallId}`;
    this.calls$.next({ kind: 'opened', call, peerName, window: 16, processingDelay: 0, since });
    return call;
  }

  /** The peer ends a call. */
  close(call: CallEndpoint): void {
    this.end(call, 'peer-request', 'the peer cleared the call');
  }

  clear(call: CallEndpoint, reason: ClearReason, detail: string): void {
    this.cleared.push({ id: call.localCallId, reason, detail });
    this.end(call, reason, detail);
  }

  wanError(): void {}

  refuseCalls(): void {}

  private end(call: CallEndpoint, reason: ClearReason, detail: string): void {
    this.callIds?.release(call.localCallId);
    this.calls$.next({ kind: 'closed', call, reason, detail });
  }
}
