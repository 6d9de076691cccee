/** Why the program gave no answer that can be used. */
export type ExecFaultCode = 'EXEC_TIMEOUT' | 'EXEC_CANCELLED' | 'EXEC_BUSY' | 'EXEC_DOWN' | 'EXEC_ANSWER';

/** The caller makes the denial `unavailable` of it. The message names neither users nor anything of a proof. */
export class ExecFault extends Error {
  override readonly name = 'ExecFault';
  readonly code: ExecFaultCode;

  constructor(code: ExecFaultCode, message: string) {
    super(message);
    this.code = code;
  }
}
