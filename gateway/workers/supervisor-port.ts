import { Socket } from 'node:net';
import type { Clock } from '../../core/ports/clock.ts';
import type { Answerer, Ask, SupervisorLink } from './ask.ts';
import { HandedConnections } from './handed-connections.ts';
import { parseSupervisorMessage, type SupervisorMessage, type WorkerMessage, type WorkerStart } from './messages.ts';
import { Answerers, Requests } from './requests.ts';

/** The worker's end of the channel to its supervisor, as node offers it. */
export interface Channel {
  send(message: WorkerMessage): void;
  onMessage(listener: (value: unknown, handle: unknown) => void): void;
  /** The supervisor is gone; nothing follows. */
  onDisconnect(listener: () => void): void;
}

/** In a worker: what the supervisor says, sorted by who wants to know it. */
export class SupervisorPort implements SupervisorLink {
  /** Resolves with the first message. */
  readonly start: Promise<WorkerStart>;
  /** Resolves when the worker is to end: it is told so, or its supervisor is no more. */
  readonly told: Promise<'stop' | 'disconnect'>;
  readonly connections: HandedConnections;
  private readonly channel: Channel;
  private readonly requests: Requests;
  private readonly answerers = new Answerers();
  private began: (start: WorkerStart) => void = () => undefined;
  private ends: (why: 'stop' | 'disconnect') => void = () => undefined;
  private sessions: () => number = () => 0;

  constructor(channel: Channel, clock: Clock) {
    this.channel = channel;
    this.requests = new Requests(clock, (message) => channel.send(message));
    this.connections = new HandedConnections((message) => channel.send(message));
    this.start = new Promise((resolve) => {
      this.began = resolve;
    });
    this.told = new Promise((resolve) => {
      this.ends = resolve;
    });
    channel.onMessage((value, handle) => {
      const message = parseSupervisorMessage(value);
      if (message !== undefined) this.handle(message, handle);
    });
    channel.onDisconnect(() => {
      this.ends('disconnect');
      this.requests.fail();
    });
  }

  send(message: WorkerMessage): void {
    this.channel.send(message);
  }

  /** How many calls there are, for the supervisor, which hears of it with each answer to a ping. */
  counts(sessions: () => number): void {
    this.sessions = sessions;
  }

  request<Body, Answer>(ask: Ask<Body, Answer>, body: Body, timeoutMs?: number): Promise<Answer> {
    return this.requests.request(ask, body, timeoutMs);
  }

  answer<Body, Answer>(ask: Ask<Body, Answer>, answerer: Answerer<Body, Answer>): void {
    this.answerers.set(ask, answerer);
  }

  private handle(message: SupervisorMessage, handle: unknown): void {
    switch (message.kind) {
      case 'start':
        this.began(message.start);
        return;
      case 'connection':
        this.connections.hand(message.connection, handle instanceof Socket ? handle : undefined, message.isKnown);
        return;
      case 'evict':
        this.connections.evict(message.connection);
        return;
      case 'ping':
        this.channel.send({ kind: 'pong', id: message.id, sessions: this.sessions() });
        return;
      case 'stop':
        this.ends('stop');
        return;
      case 'request':
        void this.answerers.answer(message, 0).then((response) => this.channel.send(response));
        return;
      case 'response':
        this.requests.take(message);
        return;
      default:
        message satisfies never;
    }
  }
}
