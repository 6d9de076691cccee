import { Socket } from 'node:net';
import type { Clock } from '../../core/ports/clock.ts';
import type { Answerer, Ask, SupervisorLink } from './ask.ts';
import { HandedConnections } from './handed-connections.ts';
import {
  parseSupervisorMessage,
  type RequestMessage,
  type SupervisorMessage,
  type WorkerMessage,
  type WorkerStart,
} from './messages.ts';
import { Answerers, Requests } from './requests.ts';

/** The worker's end of the channel to its supervisor, as node offers it. */
export interface Channel {
  send(message: WorkerMessage, socket?: Socket): void;
  onMessage(listener: (value: unknown, handle: unknown) => void): void;
  /** The supervisor is gone; nothing follows. */
  onDisconnect(listener: () => void): void;
}

/** `leave`: another process goes on with all that this one has. */
export type Told = 'stop' | 'leave' | 'disconnect';

/** In a worker: what the supervisor says, sorted by who wants to know it. */
export class SupervisorPort implements SupervisorLink {
  /** Resolves with the first message. */
  readonly start: Promise<WorkerStart>;
  /** Resolves when the worker is to end: it is told so, or its supervisor is no more. */
  readonly told: Promise<Told>;
  readonly connections: HandedConnections;
  private readonly channel: Channel;
  private readonly requests: Requests;
  private readonly answerers = new Answerers();
  private began: (start: WorkerStart) => void = () => undefined;
  private ends: (why: Told) => void = () => undefined;
  private sessions: () => number = () => 0;
  private moved: (body: unknown, handle: unknown) => void = () => undefined;
  private but: readonly string[] | undefined;
  /** As many as the supervisor may have open. */
  private readonly unheard: RequestMessage[] = [];

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

  send(message: WorkerMessage, socket?: Socket): void {
    this.channel.send(message, socket);
  }

  /** Who hears what a worker is told that takes over. Before anything of it may come. */
  onMoved(listener: (body: unknown, handle: unknown) => void): void {
    this.moved = listener;
  }

  /** While it is deaf, only these are answered; the other questions wait. */
  deafen(but: readonly string[] | undefined): void {
    this.but = but;
    if (but !== undefined) return;
    for (const request of this.unheard.splice(0)) this.answerTo(request);
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
      case 'leave':
        this.ends(message.kind);
        return;
      case 'moved':
        this.moved(message.body, handle);
        return;
      case 'request':
        if (this.but === undefined || this.but.includes(message.ask)) this.answerTo(message);
        else this.unheard.push(message);
        return;
      case 'response':
        this.requests.take(message);
        return;
      default:
        message satisfies never;
    }
  }

  private answerTo(request: RequestMessage): void {
    void this.answerers.answer(request, 0).then((response) => this.channel.send(response));
  }
}
