import type { LogLine } from './gateway-process.ts';
import type { Lab } from './lab.ts';

export const alice = { user: 'alice', password: 'open "sesame" \\1' } as const;
export const bob = { user: 'bob', password: 'correct horse battery' } as const;

/** Adds a user with the product's own command. */
export async function addUser(
  lab: Lab,
  stateDirectory: string,
  { user, password }: { readonly user: string; readonly password: string },
): Promise<void> {
  const { status, output, errors } = await lab.gatewayCommand(['users', 'add', user], stateDirectory, `${password}\n`);
  if (status !== 0) throw new Error(`users add ${user}: status ${status}\n${output}${errors}`);
}

/** A predicate for `waitForLog`: the line of this event, with these fields. */
export const event =
  (name: string, fields: Readonly<Record<string, unknown>> = {}) =>
  (line: LogLine): boolean =>
    line.fields['event'] === name && Object.entries(fields).every(([key, value]) => line.fields[key] === value);
