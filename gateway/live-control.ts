import type { ControlPlugin } from '../core/ports/control.ts';
import { ControlPptp, type LiveControlOptions } from '../plugins/control-pptp/index.ts';

/** An operator's control plug-in keeps what it was started with. */
export const reconfigureControl = (control: ControlPlugin, options: LiveControlOptions): void => {
  if (control instanceof ControlPptp) control.reconfigure(options);
};
