/** CoA and Disconnect-Request (RFC 5176). */
export { type CoaListenOptions, CoaServer } from './coa-server.ts';
export { type CoaDeps, type CoaDrop, type CoaOptions, CoaService } from './coa-service.ts';
export { ERROR_CAUSE, type ErrorCause } from './error-cause.ts';
export { CHANGE_TYPES, readRequest } from './request.ts';
export { type CoaSettings, coaSettings } from './settings.ts';
