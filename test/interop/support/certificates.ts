import { readFile } from 'node:fs/promises';
import { type TestCertificate, tlsVector } from '../../support/eap-tls-files.ts';
import type { Guest } from './guest.ts';

/** Puts ca.pem and the certificates with their keys into /run/tls of a guest. */
export async function giveCertificates(guest: Guest, ...names: readonly TestCertificate[]): Promise<void> {
  await guest.must('mkdir -p /run/tls');
  for (const file of ['ca.pem', ...names.flatMap((name) => [`${name}.pem`, `${name}.key`])]) {
    const text = (await readFile(tlsVector(file))).toString('base64');
    await guest.must(`echo ${text} | base64 -d >/run/tls/${file}; chmod 600 /run/tls/${file}`);
  }
}
