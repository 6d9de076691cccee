import { type PptpMessage, writePptpMessage } from '../wire/pptp-message.ts';
import type { ControlDeps, ControlEffect, NoteFields, NoteLevel } from './pptp-control-types.ts';

/** The effects of one input, in order. */
export class ControlOutput {
  private effects: ControlEffect[] = [];
  private readonly deps: Pick<ControlDeps, 'seen'>;

  constructor(deps: Pick<ControlDeps, 'seen'> = {}) {
    this.deps = deps;
  }

  push(effect: ControlEffect): void {
    this.effects.push(effect);
  }

  send(message: PptpMessage): void {
    this.deps.seen?.('out', message);
    this.effects.push({ kind: 'send', bytes: writePptpMessage(message) });
  }

  note(level: NoteLevel, event: string, message: string, fields: NoteFields = {}): void {
    this.effects.push({ kind: 'note', level, event, message, fields });
  }

  take(): readonly ControlEffect[] {
    const taken = this.effects;
    this.effects = [];
    return taken;
  }
}
