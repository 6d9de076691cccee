import { asciiText } from '../../../core/bytes/ascii.ts';
import { nameText } from '../../../core/json/proof-json.ts';
import { msChapDenial } from '../../../core/machine/ms-chap-answers.ts';
import type { AuthDenial, MppeKeyMaterial } from '../../../core/ports/auth.ts';
import type { Log } from '../../../core/ports/log.ts';
import type { UserProfile } from '../../../core/ports/profile.ts';
import { parseMsChapFailure } from '../../../core/wire/chap.ts';
import { ATTRIBUTE, type Attribute, firstOf, octetsOf, valuesOf } from '../wire/index.ts';
import { readAccept } from './access-accept.ts';
import { type FoundKeys, NO_KEYS } from './keys.ts';
import { OnceLog } from './once-log.ts';

export interface Admitted {
  readonly identity: string;
  readonly profile: UserProfile;
}

/** Controls in a name would go to logs and to files of others. */
const clean = (name: string): string => name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '.');

/** What answers of servers mean for sessions, with a line in the log for what they ask and do not get. */
export class Judgement {
  private readonly log: Log;
  private readonly once: OnceLog;

  constructor(log: Log) {
    this.log = log;
    this.once = new OnceLog(log);
  }

  /** Undefined: the server wants what the gateway cannot do, and the log says what. `wireName`: as the peer sent it. */
  admitted(attributes: readonly Attribute[], wireName: string): Admitted | undefined {
    const { userName, profile, refusals, notes } = readAccept(attributes);
    const identity = clean(userName === undefined || userName === '' ? nameText(wireName) : userName);
    for (const { name, why } of notes) {
      const message = `${name} of a RADIUS answer is not honoured: ${why}`;
      // By name alone: values that differ from user to user would use up what can be told.
      this.once.info(name, 'radius.not-honoured', message, { attribute: name, user: identity });
    }
    if (refusals.length === 0) return { identity, profile };
    this.log.error('radius.refused', `The RADIUS server wants what this gateway cannot do: ${refusals.join('; ')}.`, {
      user: identity,
    });
    return undefined;
  }

  /** Why an Access-Reject rejects; undefined where it gives no reason. */
  rejection(attributes: readonly Attribute[], user: string): AuthDenial | undefined {
    const [value] = octetsOf(attributes, ATTRIBUTE.msChapError);
    const text = value === undefined ? '' : asciiText(value);
    // The first octet is an identifier, which some servers leave out.
    const failure = parseMsChapFailure(text.slice(1)) ?? parseMsChapFailure(text);
    const said = valuesOf(attributes, ATTRIBUTE.replyMessage).join(' ');
    if (said !== '' || failure !== undefined) {
      this.log.debug('radius.rejected', 'the RADIUS server said why it rejects', {
        user: clean(nameText(user)),
        error: failure?.error,
        reply: clean(said),
      });
    }
    return failure === undefined ? undefined : msChapDenial(failure);
  }

  /** "S=..." of MS-CHAP2-Success; undefined, and logged, without a right one. */
  authenticatorResponse(attributes: readonly Attribute[]): string | undefined {
    const value = firstOf(attributes, ATTRIBUTE.msChap2Success);
    const response = /S=[0-9A-F]{40}/i.exec(value === undefined ? '' : asciiText(value))?.[0];
    if (response !== undefined) return `S=${response.slice(2).toUpperCase()}`;
    this.once.warn(
      'no-success',
      'radius.no-ms-chap-success',
      'The RADIUS server accepts an MS-CHAPv2 proof without MS-CHAP2-Success, so that no client would believe it: have ' +
        'the server itself judge MS-CHAPv2 (FreeRADIUS: the module mschap).',
    );
    return undefined;
  }

  /** Keys, or keys for nothing with a line that says what to set. */
  keys(found: FoundKeys): MppeKeyMaterial {
    if (typeof found === 'object') return found;
    if (found === 'broken') {
      this.once.warn(
        'broken-keys',
        'radius.bad-keys',
        'The MPPE keys of a RADIUS answer cannot be used: the shared secret differs, or a proxy has changed them.',
      );
      return NO_KEYS;
    }
    this.once.warn(
      'no-keys',
      'radius.no-keys',
      'The RADIUS server gives no MPPE keys, so these sessions cannot be encrypted: have it send them (FreeRADIUS: ' +
        '`use_mppe = yes` in mods-available/mschap).',
    );
    return NO_KEYS;
  }

  /** An Access-Challenge to a proof that has no further round. */
  challenged(kind: string): void {
    this.once.warn(
      `challenge ${kind}`,
      'radius.challenge',
      `The RADIUS server answers ${kind} with a challenge, which that method cannot pass on to the user: use EAP for it.`,
    );
  }
}
