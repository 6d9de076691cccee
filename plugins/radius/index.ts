/** RADIUS as a plug-in (docs/radius.md). */
export { type RadiusOptions, radiusPlugin, radiusPlugin as default } from './plugin.ts';
