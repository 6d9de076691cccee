import 'reflect-metadata';
import { delimiter } from 'node:path';
import process from 'node:process';
import { unpackedPrograms } from '../../setup/lib/unpacked.mjs';

// Programs that `npm test` took out of packages come after those of the machine.
process.env['PATH'] = `${process.env['PATH'] ?? ''}${delimiter}${unpackedPrograms}`;
