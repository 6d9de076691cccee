export {
  MppeAccelerator,
  type MppeAcceleratorDependencies,
  type MppeAcceleratorOptions,
} from './mppe-accelerator.ts';
export { mppeNativePlugin } from './plugin.ts';
