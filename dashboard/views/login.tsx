import { useEffect, useRef, useState } from 'preact/hooks';
import { Away, createClient, Refused } from '../api/client.ts';
import type { GatewayInfo } from '../api/gateway-info.ts';
import { Field } from '../ui/field.tsx';
import { Mark } from '../ui/mark.tsx';
import { Notice } from '../ui/notice.tsx';

/** What went wrong, for who has just pasted a token. */
const sentence = (error: unknown): string => {
  if (error instanceof Refused) {
    if (error.status === 401) return 'The gateway does not know this token. Copy it again, without spaces around it.';
    if (error.status === 403) return `The gateway refuses this token: ${error.message}`;
    if (error.status === 429) {
      const wait = error.waitMs > 0 ? ` Wait ${Math.ceil(error.waitMs / 1000)} s.` : ' Wait a minute.';
      return `Too many attempts.${wait}`;
    }
    return error.message;
  }
  if (error instanceof Away) return 'The gateway does not answer. Is it running, and is this still its address?';
  return 'The answer of the gateway could not be read.';
};

/** A header takes visible ASCII only. */
const isToken = (text: string): boolean => /^[\x21-\x7e]+$/.test(text);

export const Login = (props: {
  readonly reason: string | undefined;
  readonly onEnter: (token: string, info: GatewayInfo) => void;
}) => {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector('input')?.focus(), []);
  const enter = async (): Promise<void> => {
    const token = text.trim();
    if (!isToken(token)) return setProblem('Paste the token: letters, digits and signs without spaces.');
    setBusy(true);
    try {
      const info = await createClient(token, () => undefined).ask<GatewayInfo>('GET', '/v1/gateway');
      props.onEnter(token, info);
    } catch (error) {
      setProblem(sentence(error));
      setBusy(false);
      form.current?.querySelector('input')?.focus();
    }
  };
  return (
    <main class="login">
      <form
        ref={form}
        class="card stack login-card"
        onSubmit={(event) => {
          event.preventDefault();
          void enter();
        }}
      >
        <div class="brand">
          <Mark />
          <h1>PPTP gateway</h1>
        </div>
        {props.reason !== undefined && problem === undefined && <Notice kind="bad">{props.reason}</Notice>}
        <Field
          label="Token"
          isSecret
          value={text}
          onValue={(value) => {
            setText(value);
            setProblem(undefined);
          }}
          error={problem}
          hint="It stays in this tab and goes to this gateway only."
        />
        <button type="submit" class="button primary" disabled={isBusy}>
          {isBusy ? 'Asking…' : 'Log in'}
        </button>
        <details>
          <summary>Where is the token?</summary>
          <p>
            In <code>PPTP_ADMIN_TOKEN</code>, <code>PPTP_ADMIN_OPERATE_TOKEN</code> or{' '}
            <code>PPTP_ADMIN_READ_TOKEN</code>, or in the files that their <code>_FILE</code> names. With none of them
            the gateway has made one for administrators when it started: it is in the file <code>admin-token</code> of
            its state folder (<code>PPTP_STATE_DIR</code>), which only its user can read.
          </p>
        </details>
      </form>
    </main>
  );
};
