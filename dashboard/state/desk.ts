import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { mayAct, type Role } from '../../gateway/admin/api/roles.ts';
import type { Stats } from '../../gateway/admin/api/stats.ts';
import type { Client } from '../api/client.ts';
import type { GatewayInfo } from '../api/gateway-info.ts';
import type { Series } from '../model/history.ts';
import type { SessionList } from '../model/session-query.ts';
import type { Streamed } from './use-stream.ts';

/** What every view may use. */
export interface Desk {
  readonly client: Client;
  readonly info: GatewayInfo;
  readonly stats: Streamed<Stats>;
  /** Statistics of some seconds ago: what has happened since is news. */
  readonly before: Stats | undefined;
  readonly traffic: Series;
  /** How the list of sessions was left. */
  readonly list: { current: SessionList };
  readonly isDark: boolean;
  /** Says something to people, and to screen readers, for some seconds. */
  readonly tell: (message: string, kind?: 'good' | 'bad') => void;
}

export const DeskContext = createContext<Desk | undefined>(undefined);

export const useDesk = (): Desk => {
  const desk = useContext(DeskContext);
  if (desk === undefined) throw new Error('a view outside of the desk');
  return desk;
};

/** Whether the token may do it, and what to say where it may not. */
export const useMay = (needed: Role): { readonly may: boolean; readonly why: string | undefined } => {
  const { info } = useDesk();
  const may = mayAct(info.role, needed);
  return { may, why: may ? undefined : `This token has the role ${info.role}; it takes ${needed}.` };
};
