import { type Ipv4, ipv4 } from '../../core/bytes/ipv4-address.ts';
import { type Ask, isNothing } from './ask.ts';

/** A user's fixed address, and who the user has proven to be. */
export interface WantedAddress {
  readonly address: Ipv4;
  readonly identity: string;
}

/** `loan` is the borrower's number for it: what comes late is not taken for what comes now. */
export interface LoanOrder extends WantedAddress {
  readonly loan: number;
}

export type LoanAnswer = 'lent' | 'in-use' | 'outside-pool' | 'unavailable';

type Fields = ReadonlyMap<string, unknown>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : new Map();

const isAddress = (value: unknown): boolean => typeof value === 'number' && value === ipv4(value);
const isWanted = (fields: Fields): boolean =>
  isAddress(fields.get('address')) && typeof fields.get('identity') === 'string';
const hasLoan = (fields: Fields): boolean => Number.isSafeInteger(fields.get('loan'));

const isWantedAddress = (value: unknown): value is WantedAddress => isWanted(fieldsOf(value));
const isLoanOrder = (value: unknown): value is LoanOrder => isWanted(fieldsOf(value)) && hasLoan(fieldsOf(value));
const isReturned = (value: unknown): value is Omit<LoanOrder, 'identity'> =>
  isAddress(fieldsOf(value).get('address')) && hasLoan(fieldsOf(value));
const isHome = (value: unknown): value is Pick<LoanOrder, 'address'> => isAddress(fieldsOf(value).get('address'));

const ANSWERS: readonly unknown[] = ['lent', 'in-use', 'outside-pool', 'unavailable'] satisfies readonly LoanAnswer[];

/** A worker to the supervisor: it wants an address of another worker's slice, or one of its own that it has lent. */
export const BORROW: Ask<LoanOrder, LoanAnswer> = {
  name: 'address.borrow',
  isBody: isLoanOrder,
  isAnswer: (value): value is LoanAnswer => ANSWERS.includes(value),
};

/** A worker to the supervisor: it does not have the address any more, or will not have it. */
export const GIVE_BACK: Ask<Omit<LoanOrder, 'identity'>, undefined> = {
  name: 'address.give-back',
  isBody: isReturned,
  isAnswer: isNothing,
};

const isTruth = (value: unknown): value is boolean => typeof value === 'boolean';

/** The supervisor to the owner of the slice: may it be lent? An older tunnel of this user that has it is ended. */
export const LEND: Ask<WantedAddress, boolean> = { name: 'address.lend', isBody: isWantedAddress, isAnswer: isTruth };

/** The supervisor to the owner of the slice: it is free again. */
export const COME_HOME: Ask<Pick<LoanOrder, 'address'>, undefined> = {
  name: 'address.come-home',
  isBody: isHome,
  isAnswer: isNothing,
};

/** The supervisor to a borrower: end the tunnel of this user that has it. True: it is not there any more. */
export const RECALL: Ask<WantedAddress, boolean> = {
  name: 'address.recall',
  isBody: isWantedAddress,
  isAnswer: isTruth,
};
