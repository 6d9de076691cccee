import { expect } from 'vitest';
import { formatIpv4, type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { AddressLease } from '../../core/ports/addresses.ts';
import { CidrPool } from '../../gateway/session/address-pool.ts';
import type { Ask, SupervisorLink, WorkerLink, WorkerLinks } from '../../gateway/workers/ask.ts';
import { Loans } from '../../gateway/workers/loans.ts';
import type { RequestMessage, ResponseMessage } from '../../gateway/workers/messages.ts';
import { Answerers, Requests } from '../../gateway/workers/requests.ts';
import { SharedPool } from '../../gateway/workers/shared-pool.ts';
import { addressSlice, ownerOfAddress } from '../../gateway/workers/slices.ts';
import { address } from './batches.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryLog } from './memory-log.ts';

export const WORKERS = 3;
const RANGE = { network: address('10.99.0.0'), prefixLength: 28, text: '10.99.0.0/28' };
const GATEWAY = address('10.99.0.1');
const POOL = { range: RANGE, named: [], gatewayAddress: GATEWAY, dns: [], wins: [], ipv6: undefined, ipv6Dns: [] };
/** Fixed addresses in each slice, each of one user; the last two users share one. */
export const USERS = [3, 6, 9, 13, 13].map((host) => ipv4(RANGE.network + host));
export const RESERVED = new Set(USERS);

type Message = RequestMessage | ResponseMessage;

export interface LabTunnel {
  readonly user: string;
  readonly wanted: Ipv4 | undefined;
  address: Ipv4 | undefined;
  /** How the last answer was. */
  lease: AddressLease | undefined;
  over: boolean;
}

/** A worker's process: the real pool, and tunnels as the driver has them. */
export class Process {
  readonly toSupervisor: Message[] = [];
  readonly fromSupervisor: Message[] = [];
  readonly tunnels: LabTunnel[] = [];
  readonly routes = new Set<Ipv4>();
  /** Changes of the host that are under way. */
  readonly commands: (() => void)[] = [];
  readonly pool: SharedPool;
  readonly log = new MemoryLog();
  /** What the host says to a new route, if it refuses. */
  refusal: Error | undefined;
  private readonly requests: Requests;
  private readonly answerers = new Answerers();

  constructor(index: number, clock: ManualClock) {
    this.requests = new Requests(clock, (message) => this.toSupervisor.push(message));
    const link: SupervisorLink = {
      request: (ask, body, timeout) => this.requests.request(ask, body, timeout),
      answer: (ask, answerer) => this.answerers.set(ask, answerer),
    };
    const slice = addressSlice(RANGE, { index, count: WORKERS });
    const own = new CidrPool({ network: RANGE.network, prefix: 28, gatewayAddress: GATEWAY, slice }, () => RESERVED);
    this.pool = new SharedPool(own, link, this.log);
    const changed = (change: () => void) =>
      new Promise<void>((resolve) => {
        this.commands.push(() => {
          change();
          resolve();
        });
      });
    this.pool.attach({
      routes: {
        add: (one) => (this.refusal === undefined ? changed(() => this.routes.add(one)) : Promise.reject(this.refusal)),
        remove: (one) => changed(() => this.routes.delete(one)),
        addNetwork: () => Promise.resolve(),
        removeNetwork: () => Promise.resolve(),
        addPrefix: () => Promise.resolve(),
        removePrefix: () => Promise.resolve(),
      },
      endOlder: (identity, one) => this.endOlder(identity, one),
    });
  }

  take(message: Message): void {
    if (message.kind === 'response') this.requests.take(message);
    else void this.answerers.answer(message, 0).then((response) => this.toSupervisor.push(response));
  }

  /** As TunnelAddress does it. */
  logIn(user: string, wanted: Ipv4 | undefined): LabTunnel {
    const tunnel: LabTunnel = { user, wanted, address: undefined, lease: undefined, over: false };
    this.tunnels.push(tunnel);
    const keep = (lease: AddressLease): void => {
      tunnel.lease = lease;
      if (!lease.ok) return;
      tunnel.address = lease.address;
      if (tunnel.over) this.giveBack(tunnel);
    };
    const again = (lease: AddressLease): AddressLease | Promise<AddressLease> => {
      const taken = !lease.ok && lease.why === 'in-use' && wanted !== undefined && !tunnel.over;
      return taken && this.endOlder(user, wanted) ? this.pool.lease(wanted, user) : lease;
    };
    void Promise.resolve(this.pool.lease(wanted, user)).then(again).then(keep);
    return tunnel;
  }

  logOut(which: number): void {
    const tunnel = this.tunnels[which % Math.max(1, this.tunnels.length)];
    if (tunnel !== undefined) this.end(tunnel);
  }

  private endOlder(identity: string, one: Ipv4): boolean {
    const older = this.tunnels.find(({ user, address: held }) => user === identity && held === one);
    if (older !== undefined) this.end(older);
    return older !== undefined;
  }

  private end(tunnel: LabTunnel): void {
    tunnel.over = true;
    this.tunnels.splice(this.tunnels.indexOf(tunnel), 1);
    this.giveBack(tunnel);
  }

  private giveBack(tunnel: LabTunnel): void {
    const held = tunnel.address;
    tunnel.address = undefined;
    if (held !== undefined) this.pool.release(held);
  }
}

/** The supervisor's side of one worker, through all of its lives. */
export class Slot implements WorkerLink {
  readonly index: number;
  readonly requests: Requests;
  process: Process | undefined;
  alive = false;

  constructor(index: number, clock: ManualClock) {
    this.index = index;
    this.requests = new Requests(clock, (message) => this.process?.fromSupervisor.push(message));
  }

  request<Body, Answer>(ask: Ask<Body, Answer>, body: Body, timeout?: number): Promise<Answer> {
    return this.requests.request(ask, body, timeout);
  }
}

/** Workers with a supervisor between them, in memory: what is on its way is delivered one by one, when the test says so. */
export class LoanLab implements WorkerLinks {
  readonly clock = new ManualClock();
  readonly workers: readonly Slot[];
  readonly loans: Loans;
  private readonly answerers = new Answerers();
  private started: (worker: WorkerLink) => void | Promise<void> = () => undefined;
  private ended: (worker: WorkerLink) => void = () => undefined;

  constructor() {
    this.workers = [0, 1, 2].map((index) => new Slot(index, this.clock));
    this.loans = new Loans(this.workers, (one) => ownerOfAddress(POOL, WORKERS, one));
    this.loans.attach(this);
  }

  answer<Body, Answer>(ask: Ask<Body, Answer>, answerer: (body: Body, from: number) => Answer | Promise<Answer>): void {
    this.answerers.set(ask, answerer);
  }
  onStarted(listener: (worker: WorkerLink) => void | Promise<void>): void {
    this.started = listener;
  }
  onEnded(listener: (worker: WorkerLink) => void): void {
    this.ended = listener;
  }

  /** A new process; it has calls when it has been told of its loans. */
  start(slot: Slot): void {
    const process = new Process(slot.index, this.clock);
    slot.process = process;
    void Promise.resolve(this.started(slot)).then(
      () => {
        if (slot.process === process) slot.alive = true;
      },
      () => {
        if (slot.process === process) this.kill(slot);
      },
    );
  }

  kill(slot: Slot): void {
    if (slot.process === undefined) return;
    slot.process = undefined;
    slot.alive = false;
    slot.requests.fail();
    this.ended(slot);
  }

  deliver(slot: Slot, fromWorker: boolean): void {
    const { process } = slot;
    if (process === undefined) return;
    const message = (fromWorker ? process.toSupervisor : process.fromSupervisor).shift();
    if (message === undefined) return;
    if (!fromWorker) process.take(message);
    else if (message.kind === 'response') slot.requests.take(message);
    else {
      void this.answerers.answer(message, slot.index).then((response) => {
        if (slot.process === process) process.fromSupervisor.push(response);
      });
    }
  }

  get waiting(): number {
    const processes = this.workers.flatMap(({ process }) => (process === undefined ? [] : [process]));
    return processes.reduce(
      (all, one) => all + one.toSupervisor.length + one.fromSupervisor.length + one.commands.length,
      0,
    );
  }

  /** No address is with two tunnels, and what a tunnel of another slice has is routed there. */
  check(): void {
    const held = new Map<Ipv4, number>();
    for (const { process, index } of this.workers) {
      for (const { address: one } of process?.tunnels ?? []) {
        if (one === undefined) continue;
        expect(held.get(one), `${formatIpv4(one)} is with two tunnels`).toBeUndefined();
        held.set(one, index);
      }
    }
    for (const [one, index] of held) {
      for (const { process, index: other } of this.workers) {
        const own = ownerOfAddress(POOL, WORKERS, one) === other;
        expect(process?.routes.has(one) ?? false, `route to ${formatIpv4(one)} of ${other}`).toBe(
          index === other && !own,
        );
      }
    }
  }
}

export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
};

/** Delivers everything that is on its way, and what comes of it. */
export const deliverAll = async (gateway: LoanLab): Promise<void> => {
  for (let turn = 0; turn < 2000 && gateway.waiting > 0; turn += 1) {
    for (const slot of gateway.workers) {
      gateway.deliver(slot, true);
      gateway.deliver(slot, false);
      slot.process?.commands.shift()?.();
    }
    await settle();
    gateway.check();
  }
  expect(gateway.waiting).toBe(0);
};
