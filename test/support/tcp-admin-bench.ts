import { Readable } from 'node:stream';
import type { AdminRoute } from '../../gateway/admin/route.ts';
import { fromSpec } from '../../gateway/admin/spec.ts';
import { type AdminRig, type AdminRigOptions, adminRig, RIG_TOKENS } from './admin-rig.ts';
import { GatewayLab } from './gateway-lab.ts';

const spec = { role: 'read', tag: 'odd', summary: 'A route of this test' } as const;

/** Admin channels of one gateway that strangers reach, too, with routes that answer oddly. */
export class TcpAdminBench {
  readonly lab = new GatewayLab();
  /** Answers of /v1/odd/endless that have begun and do not end. */
  begun = 0;
  /** Answers of /v1/odd/flood, with too much in them, that were given up. */
  givenUp = 0;
  private readonly rigs: AdminRig[] = [];

  async make(more: Partial<AdminRigOptions> = {}): Promise<AdminRig> {
    const { gateway, clock } = this.lab;
    const rig = await adminRig({ gateway, clock, routes: [this.oddRoutes], tcp: true, ...more });
    this.rigs.push(rig);
    return rig;
  }

  async stop(): Promise<void> {
    for (const rig of this.rigs.splice(0)) await rig.stop();
  }

  private readonly oddRoutes: AdminRoute = (app) => {
    app.route({
      ...fromSpec({ ...spec, method: 'GET', url: '/v1/odd/endless' }),
      handler: (_request, reply) => {
        this.begun += 1;
        const endless = new Readable({ read: () => undefined });
        endless.push('begun');
        return reply.send(endless);
      },
    });
    app.route({
      ...fromSpec({ ...spec, method: 'GET', url: '/v1/odd/flood' }),
      handler: (_request, reply) => {
        const flood = new Readable({ read: () => flood.push(Buffer.alloc(65_536)) });
        flood.once('close', () => {
          this.givenUp += 1;
        });
        return reply.send(flood);
      },
    });
    app.route({
      ...fromSpec({ ...spec, method: 'GET', url: '/v1/odd/who' }),
      handler: ({ role, from, actor }) => ({ role, from, actor }),
    });
  };
}

export const portOf = ({ url }: AdminRig): number => Number(new URL(url).port);

/** The octets of a request of who has the admin token. */
export const adminGet = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${RIG_TOKENS.admin}\r\n\r\n`;
