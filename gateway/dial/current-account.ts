import type { Account } from './pptp-client.ts';

/** Who calls, attempt after attempt: once a server has taken the new password, it is the password. */
export class CurrentAccount {
  private account: Account;
  private readonly onChange: () => void;

  /** `onChange` is told once. */
  constructor(account: Account, onChange: () => void) {
    this.account = account;
    this.onChange = onChange;
  }

  get now(): Account {
    return this.account;
  }

  passwordChanged(): void {
    const { userName, newPassword } = this.account;
    if (newPassword === undefined) return;
    this.account = { userName, password: newPassword };
    this.onChange();
  }
}
