import { type Away, Refused } from '../api/client.ts';
import { Notice } from './notice.tsx';

/** Why there is nothing to show, or nothing new. */
export const Failed = (props: { readonly error: Refused | Away | undefined }) => {
  const { error } = props;
  if (error === undefined) return null;
  if (error instanceof Refused && error.status === 403) {
    return <Notice kind="info">This token may not look at this: {error.message}</Notice>;
  }
  return <Notice kind="bad">{error.message}</Notice>;
};
