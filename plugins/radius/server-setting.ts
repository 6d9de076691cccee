import { custom } from '../../core/ports/setting-kinds.ts';
import type { SettingKind } from '../../core/ports/settings.ts';
import type { RadiusServer } from './client/index.ts';

const MOST_WEIGHT = 1000;

/** "radius1.example.com:1812;weight=2": name or IPv4 address; `port` where none is given. */
export const radiusServer = (port: number): SettingKind<RadiusServer> =>
  custom(
    `a server such as 192.0.2.1, radius.example.com:${port} or 192.0.2.1:${port};weight=2 (weight 0 to ${MOST_WEIGHT}; ` +
      '0: only when no other answers)',
    (text) => {
      const [, host, given, weight] =
        /^([A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})?)(?::(\d{1,5}))?(?:;weight=(\d{1,4}))?$/.exec(text) ?? [];
      const server = { host: host ?? '', port: Number(given ?? port), weight: Number(weight ?? 1) };
      const right = server.host !== '' && server.port > 0 && server.port < 65536 && server.weight <= MOST_WEIGHT;
      return right ? server : undefined;
    },
  );
