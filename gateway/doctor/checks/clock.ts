import { type Finding, reporter } from '../finding.ts';

export interface ClockFacts {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** When the gateway's files were made: the clock cannot be right when it is before that. */
  readonly built: number;
  /** Undefined: nobody here can tell. */
  readonly synchronised: boolean | undefined;
  /** A running program that sets the clock. */
  readonly keeper: string | undefined;
  /** Certificates are checked against the clock. */
  readonly usesCertificates: boolean;
}

const { ok, warn, fail } = reporter('clock');
const DAY = 86_400_000;

/** The time of log lines, traces and certificates. */
export const checkClock = (facts: ClockFacts): readonly Finding[] => {
  const { now, built, synchronised, keeper, usesCertificates } = facts;
  const time = new Date(now).toISOString();
  const set = 'Set it, and keep it with systemd-timesyncd or chrony.';
  if (now < built - DAY) {
    const found = `The clock is wrong: it says ${time}, which is before this gateway was made.`;
    return [usesCertificates ? fail(`${found} Certificates will be refused.`, set) : warn(found, set)];
  }
  if (synchronised === true) return [ok(`The clock is synchronised; it says ${time}.`)];
  if (keeper !== undefined && synchronised !== false) return [ok(`${keeper} keeps the clock; it says ${time}.`)];
  if (synchronised === undefined && !usesCertificates) {
    return [ok(`The clock says ${time}; whether anything keeps it right cannot be seen from here.`)];
  }
  const why = usesCertificates
    ? 'certificates and the times of log lines depend on it'
    : 'the times of log lines and traces depend on it';
  return [
    warn(
      synchronised === false
        ? `The clock says ${time} and is not synchronised; ${why}.`
        : `The clock says ${time}, and nothing seems to keep it right; ${why}.`,
      set,
    ),
  ];
};
