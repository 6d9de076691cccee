export { eapMd5 } from './md5.ts';
export { type EapOptions, eapMethod } from './method.ts';
export { eapMsChapV2 } from './ms-chap-v2.ts';
export { eapPlugin } from './plugin.ts';
