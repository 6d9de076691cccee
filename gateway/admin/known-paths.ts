import type { FastifyInstance } from 'fastify';

interface KnownPath {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

const patternOf = (url: string): RegExp => {
  const parts = url.split('/').map((part) => {
    if (part.startsWith(':')) return '[^/]+';
    return part === '*' ? '.*' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('/')}$`);
};

/** Which methods a path has. The router itself only says that there is no such route. */
export class KnownPaths {
  private readonly byUrl = new Map<string, KnownPath>();

  /** To be called before the routes are there. */
  watch(app: FastifyInstance): void {
    app.addHook('onRoute', ({ url, method }) => {
      const known = this.byUrl.get(url) ?? { pattern: patternOf(url), methods: new Set() };
      for (const one of [method].flat()) known.methods.add(one);
      this.byUrl.set(url, known);
    });
  }

  /** Without its query; none: there is no such path. */
  methodsOf(path: string): readonly string[] {
    const methods = [...this.byUrl.values()]
      .filter(({ pattern }) => pattern.test(path))
      .flatMap((one) => [...one.methods]);
    return [...new Set(methods)].toSorted();
  }
}
