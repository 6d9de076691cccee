import { type FastifyInstance, fastify } from 'fastify';
import { printable } from '../../core/bytes/ascii.ts';
import type { Log } from '../../core/ports/log.ts';
import { answerError, refuse } from './refuse.ts';

const SHOWN_PATH = 128;

/** An app for pages, under this content security policy. */
export const pageApp = (log: Log, policy: string): FastifyInstance => {
  const app = fastify({ frameworkErrors: (error, _request, reply) => answerError(error, reply, log) });
  app.addHook('onRequest', (_request, reply, done) => {
    void reply.headers({
      'content-security-policy': policy,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    // Beneath what is said of single files.
    reply.raw.setHeader('cache-control', 'no-cache');
    done();
  });
  app.setErrorHandler((error, _request, reply) => answerError(error, reply, log));
  app.setNotFoundHandler((request, reply) => {
    const path = (request.raw.url ?? '').split('?', 1)[0] ?? '';
    const message = `There is no ${request.method} ${printable(path, SHOWN_PATH)} here.`;
    return refuse(reply, 404, { code: 'NOT_FOUND', message });
  });
  return app;
};

/** Only what comes from here, and no script or style within a page. */
export const STRICT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
