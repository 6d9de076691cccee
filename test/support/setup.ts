import 'reflect-metadata';
import { delimiter } from 'node:path';
import process from 'node:process';
import { unpackedPrograms } from '../../setup/lib/unpacked.mjs';

// Programs that `npm test` took out of packages come after those of the machine.
process.env['PATH'] = `${process.env['PATH'] ?? ''}${delimiter}${unpackedPrograms}`;

// Gateways of tests share the addresses of the machine: those that are asked over TCP say on which port.
process.env['PPTP_ADMIN_PORT'] ??= '0';
// Who stops a gateway with tunnels waits for nothing, but where that is what is tested.
process.env['PPTP_DRAIN_TIMEOUT'] ??= '0';
