/** A metric of a page in the text format or OpenMetrics, as a reader of the page sees it. */
export interface PageMetric {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly PageSample[];
}

export interface PageSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly exemplar: string | undefined;
}

/** Any character but a line feed, the one end of a line that both formats know, stands in a value as it is. */
const LABEL = String.raw`[a-z_]+="(?:[^"\\]|\\["\\n])*"`;
const SAMPLE = new RegExp(String.raw`^([a-z0-9_]+)(?:\{((?:${LABEL},?)*)\})? (\S+)(?: # (\{[^]*\} [^]*))?$`);

const labelsOf = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]));

/** Metrics by name. A line that is none of the format's is an error. */
export const parsePage = (text: string): ReadonlyMap<string, PageMetric> => {
  const page = new Map<string, { type: string; help: string; samples: PageSample[] }>();
  let current = '';
  for (const line of text.split('\n')) {
    const about = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (about !== null) {
      const [, kind, name = '', rest = ''] = about;
      const metric = page.get(name) ?? { type: '', help: '', samples: [] };
      page.set(name, kind === 'HELP' ? { ...metric, help: rest } : { ...metric, type: rest });
      current = name;
    } else if (line !== '' && line !== '# EOF') {
      const sample = SAMPLE.exec(line);
      if (sample === null) throw new Error(`not a line of the format: ${line}`);
      const [, name = '', labels = '', value = '', exemplar] = sample;
      if (!name.startsWith(current)) throw new Error(`${name} stands below ${current}`);
      page.get(current)?.samples.push({ name, labels: labelsOf(labels), value: Number(value), exemplar });
    }
  }
  return page;
};

/** The value of a sample with these labels; the others do not matter. Undefined: there is none. */
export const sampleOf = (
  page: ReadonlyMap<string, PageMetric>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined => {
  for (const { samples } of page.values()) {
    for (const sample of samples) {
      if (sample.name !== name) continue;
      if (Object.entries(labels).every(([label, value]) => sample.labels[label] === value)) return sample.value;
    }
  }
  return undefined;
};
