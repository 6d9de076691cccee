import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { MppeAccelerator, type MppeAcceleratorOptions } from './mppe-accelerator.ts';

/** Binds the MPPE kernel: the addon's, where it can be used. */
export const mppeNativePlugin = definePlugin<MppeAcceleratorOptions>({
  name: 'mppe-native',
  api: PLUGIN_API,
  register({ bind }, options) {
    bind(MppeAccelerator).toResolvedValue((log) => new MppeAccelerator({ log }, options), [TOKENS.Log]);
    bind(TOKENS.MppeKernel).toService(MppeAccelerator);
    bind(TOKENS.Lifecycle).toService(MppeAccelerator);
  },
});
