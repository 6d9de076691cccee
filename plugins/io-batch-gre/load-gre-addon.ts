import type { NativeGre } from '../../native/gre.d.ts';
import { loadAddonWith } from '../native-addon/load-addon.ts';

/** The addon's part for GRE. Throws GatewayError NATIVE_MISSING. */
export const loadGreAddon = (): NativeGre =>
  loadAddonWith<NativeGre>([
    'greOpen',
    'greReceiveBatch',
    'greSendBatch',
    'pollStart',
    'pollStop',
    'adoptFd',
    'closeFd',
  ]);
