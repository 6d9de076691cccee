/** Asks groups of RADIUS servers. */
export type {
  GroupEffect,
  GroupInput,
  GroupOptions,
  RadiusAnswer,
  RadiusRequest,
  ReplyDrop,
  RequestFailure,
  Seal,
} from './group-types.ts';
export { LiveRadiusClient } from './live-radius-client.ts';
export {
  RadiusClient,
  type RadiusClientDeps,
  type RadiusClientOptions,
  RadiusFailure,
  type RadiusServer,
} from './radius-client.ts';
export { ServerGroup } from './server-group.ts';
export {
  type DatagramEvents,
  type DatagramSocket,
  type OpenDatagramSocket,
  openUdpSocket,
  type ServerAddress,
} from './udp-socket.ts';
