import { loadConfig } from '../../config/load.ts';
import { journalNumbers } from '../../gateway/admin/journal-numbers.ts';
import { explainSettings } from '../../gateway/admin/routes/explain.ts';
import { explain } from '../../observability/journal/explain.ts';
import type { Finding } from '../../observability/journal/finding.ts';
import { Journal } from '../../observability/journal/journal.ts';
import { JournalLog } from '../../observability/journal/journal-log.ts';
import { JournalTelemetry } from '../../observability/journal/journal-telemetry.ts';
import { GatewayLab, type LabOptions } from './gateway-lab.ts';

export interface JournalLab {
  readonly lab: GatewayLab;
  readonly journal: Journal;
  /** What is said about it now. Throws when nothing is known. */
  explain(which: string): readonly Finding[];
}

/** A gateway in memory with its journal, wired as in `run`. */
export const journalLab = async (options: LabOptions = {}): Promise<JournalLab> => {
  let journal: Journal | undefined;
  const lab = await GatewayLab.start({
    ...options,
    observe: (platform) => {
      const made = new Journal(() => platform.clock.now());
      journal = made;
      return {
        ...platform,
        log: new JournalLog(platform.log, made),
        telemetry: new JournalTelemetry(platform.telemetry, made),
      };
    },
  });
  if (journal === undefined) throw new Error('the gateway was not observed');
  const kept = journal;
  lab.gateway.onTunnelEnd(({ view }) => kept.numbers(view.session.id, journalNumbers(view)));
  const { config } = loadConfig({ env: { ...options.env } });
  return {
    lab,
    journal: kept,
    explain: (which) => {
      for (const view of lab.gateway.tunnels()) kept.numbers(view.session.id, journalNumbers(view));
      const record = kept.find(which);
      if (record === undefined) throw new Error(`nothing is known of ${which}`);
      const context = {
        settings: explainSettings(config),
        besides: kept.besides(record),
        wrongPeer: kept.sawWrongPeer(record),
        now: lab.clock.now(),
      };
      return explain(record, context);
    },
  };
};
