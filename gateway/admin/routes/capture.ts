import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../../core/ports/clock.ts';
import { after } from '../../../core/time.ts';
import { Capture, type CaptureFilter, type CaptureSummary } from '../../../observability/capture/capture.ts';
import { type CaptureRefusal, Captures } from '../../../observability/capture/captures.ts';
import { type CapturePoint, defaultPoints } from '../../../observability/capture/points.ts';
import { mayAct } from '../api/roles.ts';
import { AdminError, type AdminRoute } from '../route.ts';
import { fromSpec } from '../spec.ts';
import { CAPTURE, CAPTURES, END_CAPTURE, START_CAPTURE } from '../specs/capture.ts';

export { DAY_SECONDS } from '../specs/capture.ts';

/** The body of `POST /v1/captures`; the answer is a pcapng file that grows. */
export interface CaptureRequest {
  readonly points?: readonly CapturePoint[];
  readonly decrypted?: boolean;
  /** One of the two, or every tunnel. */
  readonly tunnel?: string;
  readonly user?: string;
  readonly packets?: number;
  readonly seconds?: number;
}

/** The header of that answer with the number of the capture, for `/v1/captures/:id`. */
export const CAPTURE_ID_HEADER = 'x-capture-id';
/** What became of it, as JSON in the way of a URL's part. */
export const CAPTURE_SUMMARY_TRAILER = 'x-capture-summary';

/** How long the end of the gateway waits for readers that still have something to get. */
const PATIENCE_MS = 2_000;

const REFUSALS: Readonly<Record<CaptureRefusal['why'], { readonly status: number; readonly code: string }>> = {
  'needs-decrypted': { status: 400, code: 'NEEDS_DECRYPTED' },
  'not-allowed': { status: 403, code: 'DECRYPTED_NOT_ALLOWED' },
  'no-tunnel': { status: 404, code: 'NO_TUNNEL' },
  'too-many': { status: 429, code: 'TOO_MANY_CAPTURES' },
};

interface OneCapture {
  readonly Params: { readonly id: string };
}

/** What tunnels encrypt is not for everybody who works with sessions. */
export const wantAdmin = ({ role }: FastifyRequest): void => {
  if (role !== null && mayAct(role, 'admin')) return;
  throw new AdminError(403, 'FORBIDDEN', 'To see what tunnels encrypt takes the role admin.');
};

/** Which tunnels a request is about. Throws AdminError when it says so twice. */
export const filterOf = ({ tunnel, user }: CaptureRequest): CaptureFilter => {
  if (tunnel !== undefined && user !== undefined) {
    throw new AdminError(400, 'INVALID_REQUEST', 'Name a tunnel or a user, not both.');
  }
  if (tunnel !== undefined) return { kind: 'tunnel', id: tunnel };
  return user === undefined ? { kind: 'all' } : { kind: 'user', name: user };
};

export const noCapture = (id: string): AdminError =>
  new AdminError(404, 'NO_CAPTURE', `There is no capture ${id}; of those that have ended only the last are known.`);

/** A capture as its reader gets it. */
export interface CaptureAnswer {
  readonly id: string;
  readonly stream: Readable;
  readonly summary: CaptureSummary;
}

/** Sends captures while they grow, and ends them when their readers go. */
export class CaptureAnswers {
  private readonly clock: Clock;
  private readonly answers = new Set<Promise<unknown>>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  send(request: FastifyRequest, reply: FastifyReply, capture: CaptureAnswer): FastifyReply {
    // An answer that waits for an earlier one on its connection is not told when the connection ends.
    const { socket } = request.raw;
    const cut = new AbortController();
    const gone = (): void => {
      capture.stream.destroy();
      cut.abort();
    };
    socket.once('close', gone);
    capture.stream.once('close', () => socket.removeListener('close', gone));
    const answered = finished(reply.raw, { signal: cut.signal })
      .catch(() => undefined)
      .finally(() => this.answers.delete(answered));
    this.answers.add(answered);
    // Behind the file: a gateway that stops can be asked no more.
    reply.trailer(CAPTURE_SUMMARY_TRAILER, (_reply, _payload, done) => {
      done(null, encodeURIComponent(JSON.stringify(capture.summary)));
    });
    return reply.header(CAPTURE_ID_HEADER, capture.id).type('application/x-pcapng').send(capture.stream);
  }

  /** All captures have ended: waits for readers that still have something to get, and not for long. */
  async finish(): Promise<void> {
    if (this.answers.size === 0) return;
    let cancel: () => void = () => undefined;
    const patience = new Promise<void>((resolve) => {
      cancel = this.clock.schedule(after(this.clock.now(), PATIENCE_MS), resolve);
    });
    await Promise.race([Promise.all(this.answers), patience]);
    cancel();
  }
}

/** Starts captures, ends them, and says how they went. */
export const captureRoute: AdminRoute = (app, { gateway, life, clock, log, version }) => {
  const captures = new Captures({
    probes: gateway.probes,
    stages: gateway.stages,
    tunnels: () => gateway.tunnels(),
    clock,
    log,
    version,
    get allowDecrypted() {
      return life.config().config.capture.decrypted;
    },
  });
  const answers = new CaptureAnswers(clock);

  app.route<{ Body: CaptureRequest }>({
    ...fromSpec(START_CAPTURE),
    handler: (request, reply) => {
      const { points, decrypted = false, packets, seconds } = request.body;
      if (decrypted) wantAdmin(request);
      const capture = captures.start({
        points: points ?? defaultPoints(decrypted),
        decrypted,
        filter: filterOf(request.body),
        packets,
        seconds,
        who: request.actor,
      });
      if (!(capture instanceof Capture)) {
        const { status, code } = REFUSALS[capture.why];
        throw new AdminError(status, code, capture.message);
      }
      return answers.send(request, reply, capture);
    },
  });

  app.route({
    ...fromSpec(CAPTURES),
    handler: (): { readonly captures: readonly CaptureSummary[] } => ({ captures: captures.list() }),
  });

  const known = (id: string): CaptureSummary => {
    const found = captures.find(id);
    if (found === undefined) throw noCapture(id);
    return found;
  };
  app.route<OneCapture>({ ...fromSpec(CAPTURE), handler: ({ params }): CaptureSummary => known(params.id) });
  app.route<OneCapture>({
    ...fromSpec(END_CAPTURE),
    handler: ({ params }): CaptureSummary => {
      captures.end(params.id);
      return known(params.id);
    },
  });

  app.addHook('preClose', async () => {
    captures.stop();
    await answers.finish();
  });
};
