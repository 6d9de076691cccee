export function unlessDone(
  isDone: () => Promise<boolean>,
  work: () => Promise<unknown>,
  folder?: string,
): Promise<void>;
