export { eapTls } from './method.ts';
export { NodeTlsEngine } from './node-tls-engine.ts';
export { eapTlsPlugin } from './plugin.ts';
export { type EapTlsOptions, TlsFiles } from './tls-files.ts';
