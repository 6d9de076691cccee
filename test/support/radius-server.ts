import {
  type Attribute,
  CODE,
  openRequest,
  type RadiusPacket,
  sealReply,
  type Seal as WireSeal,
} from './radius-wire.ts';

/** What a test's server says to a request; undefined: nothing at all. */
export interface FakeReply {
  readonly code: number;
  readonly attributes?: readonly Attribute[];
}
export type FakeAnswer = (request: RadiusPacket, seal: WireSeal) => FakeReply | undefined;

/** A RADIUS server without I/O: a request in, an answer out. Keeps what it was asked. */
export class FakeRadiusServer {
  readonly requests: RadiusPacket[] = [];
  /** Datagrams as they came, copies and all. */
  readonly datagrams: Uint8Array[] = [];
  answer: FakeAnswer;
  signed = true;
  private readonly secret: Uint8Array;

  constructor(secret: string, answer: FakeAnswer = () => ({ code: CODE.accessAccept })) {
    this.secret = new TextEncoder().encode(secret);
    this.answer = answer;
  }

  get last(): RadiusPacket {
    const last = this.requests.at(-1);
    if (last === undefined) throw new Error('nobody has asked this server');
    return last;
  }

  receive(bytes: Uint8Array): Uint8Array | undefined {
    this.datagrams.push(bytes.slice());
    const request = openRequest(bytes, this.secret, false);
    if (typeof request === 'string') throw new Error(`a request with a fault: ${request}`);
    this.requests.push(request);
    const { authenticator, identifier } = request;
    const reply = this.answer(request, { secret: this.secret, authenticator });
    if (reply === undefined) return undefined;
    const { code, attributes = [] } = reply;
    return sealReply({ code, identifier, attributes }, authenticator, this.secret, this.signed);
  }
}
