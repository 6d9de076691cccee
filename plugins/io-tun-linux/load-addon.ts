import type { NativeTun } from '../../native/tun.d.ts';
import { loadAddonWith } from '../native-addon/load-addon.ts';

/** The addon's part for TUN devices. Throws GatewayError NATIVE_MISSING. */
export const loadAddon = (from?: string): NativeTun =>
  loadAddonWith<NativeTun>(
    [
      ...(['tunOpen', 'tunReadBatch', 'tunWriteBatch', 'pollStart', 'pollStop', 'adoptFd', 'closeFd'] as const),
      ...(['tunSetOffloads', 'tunBuffers', 'tunReadSegments', 'tunWriteCoalesced'] as const),
    ],
    from,
  );
