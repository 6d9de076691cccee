import type { LoadedConfig } from '../../config/load.ts';
import type { DrainRequest, LifeView, ReloadReport } from '../admin/api/life.ts';

/** What the life of a gateway is told, by the admin API, signals and the service manager. */
export interface Life {
  view(): LifeView;
  /** Told after each change of phase. Returns how to take it back. */
  onChange(listener: (view: LifeView) => void): () => void;
  /** Refuses new calls from now on; what is left ends at the deadline, in order. Asked again, the new deadline counts. */
  drain(order: DrainRequest, by: string): LifeView;
  /** Takes calls again; undefined where the gateway stops already. */
  resume(by: string): LifeView | undefined;
  /** Reads the configuration again. Rejects with ConfigError, all mistakes in it, and then nothing has changed. */
  reload(by: string): Promise<ReloadReport>;
  /** The configuration in force, keys that need a restart with their old values. */
  config(): LoadedConfig;
}
