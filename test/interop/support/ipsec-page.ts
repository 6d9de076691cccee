import { readFile } from 'node:fs/promises';
import { REPOSITORY } from './topology.ts';

/** What docs/ipsec.md tells operators to write and to type, for the addresses of the lab. */
export interface IpsecPage {
  /** swanctl.conf of the client, and of the host with everything exchanged. */
  readonly swanctl: { readonly client: string; readonly host: string };
  readonly associations: string;
  readonly makeKeys: string;
  readonly xfrm: string;
}

const CLIENT = '10.99.0.2';
const HOST = '10.9.0.5';

export const readIpsecPage = async (client: string, hosts: { ike: string; esp: string }): Promise<IpsecPage> => {
  const page = await readFile(`${REPOSITORY}docs/ipsec.md`, 'utf8');
  const block = (language: string, begins: string): string => {
    const found = [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].find(
      ([, word, text = '']) => word === language && text.startsWith(begins),
    );
    if (found?.[2] === undefined) throw new Error(`docs/ipsec.md has no block that begins with ${begins}`);
    return found[2];
  };
  const swanctl = block('', 'connections');
  const words = /\b(?:10\.99\.0\.2|10\.9\.0\.5|client|host)\b/g;
  const replaced = (text: string, by: Readonly<Record<string, string>>): string =>
    text.replace(words, (word) => by[word] ?? word);
  return {
    swanctl: {
      client: replaced(swanctl, { [CLIENT]: client, [HOST]: hosts.ike }),
      host: replaced(swanctl, { [CLIENT]: hosts.ike, [HOST]: client, client: 'host', host: 'client' }),
    },
    associations: replaced(block('json', '{'), { [HOST]: hosts.esp }),
    makeKeys: block('sh', 'umask 077'),
    xfrm: replaced(block('sh', 'in=0x'), { [CLIENT]: client, [HOST]: hosts.esp }),
  };
};
