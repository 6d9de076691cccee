import { type HeapProfiler, Session } from 'node:inspector';

/** Where memory was taken: the function that took it, and the file it is in. */
export interface Site {
  readonly name: string;
  readonly octets: number;
}

/** Octets between two samples, on average. */
const INTERVAL = 128;

const nameOf = ({ functionName, url, lineNumber }: HeapProfiler.SamplingHeapProfileNode['callFrame']): string => {
  const file = url.split('/').at(-1) ?? '';
  const name = functionName === '' ? '(anonymous)' : functionName;
  return file === '' ? name : `${name} (${file}:${lineNumber + 1})`;
};

const collect = (
  node: HeapProfiler.SamplingHeapProfileNode,
  below: string,
  inside: boolean,
  octets: Map<string, number>,
): void => {
  if (inside && node.selfSize > 0) {
    const name = nameOf(node.callFrame);
    octets.set(name, (octets.get(name) ?? 0) + node.selfSize);
  }
  const counts = inside || node.callFrame.functionName === below;
  for (const child of node.children) collect(child, below, counts, octets);
};

/**
 * Samples what `work` takes of the heap, whether it is given back or not, in functions that were called by one named
 * `below`. The largest first.
 */
export const allocationSites = async (work: () => void, below: string): Promise<readonly Site[]> => {
  const session = new Session();
  session.connect();
  try {
    const post = <T>(send: (done: (error: Error | null, result: T) => void) => void): Promise<T> =>
      new Promise((resolve, reject) => {
        send((error, result) => (error === null ? resolve(result) : reject(error)));
      });
    const options = { samplingInterval: INTERVAL };
    const all = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true };
    await post<void>((done) => session.post('HeapProfiler.startSampling', { ...options, ...all }, done));
    work();
    const { profile } = await post<HeapProfiler.StopSamplingReturnType>((done) =>
      session.post('HeapProfiler.stopSampling', done),
    );
    const octets = new Map<string, number>();
    collect(profile.head, below, false, octets);
    return [...octets].map(([name, size]) => ({ name, octets: size })).sort((a, b) => b.octets - a.octets);
  } finally {
    session.disconnect();
  }
};
