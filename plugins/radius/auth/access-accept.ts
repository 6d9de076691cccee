import type { UserProfile } from '../../../core/ports/profile.ts';
import { ATTRIBUTE, type Attribute, attributeName, firstOf, has } from '../wire/index.ts';
import { ACCEPT_RULES, type Draft, SILENT_TYPES } from './accept-rules.ts';

export interface Accepted {
  /** The User-Name of the answer, if there is one: it is the name for accounting (RFC 2865 section 5.1). */
  readonly userName: string | undefined;
  readonly profile: UserProfile;
  /** Sentences: without this the session is not what the server wants. None: it can be. */
  readonly refusals: readonly string[];
  /** What the session goes on without. */
  readonly notes: readonly { readonly name: string; readonly why: string }[];
}

const keyOf = ({ vendor, type }: { readonly vendor: number; readonly type: number }): string => `${vendor}/${type}`;

const KNOWN = new Set([...ACCEPT_RULES.map(({ type }) => keyOf(type)), ...SILENT_TYPES.map(keyOf)]);

/** What the attributes of an Access-Accept say of a user. Total. */
export const readAccept = (attributes: readonly Attribute[]): Accepted => {
  const draft: Draft = { profile: {}, refusals: [], notes: [] };
  for (const rule of ACCEPT_RULES) if (has(attributes, rule.type)) rule.apply(attributes, draft);
  const unknown = new Set(attributes.filter((one) => !KNOWN.has(keyOf(one))).map(attributeName));
  return {
    userName: firstOf(attributes, ATTRIBUTE.userName),
    profile: draft.profile,
    refusals: draft.refusals,
    notes: [...draft.notes, ...[...unknown].map((name) => ({ name, why: 'this gateway has no use for it' }))],
  };
};
