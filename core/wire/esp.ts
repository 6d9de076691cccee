import { readU32, writeU32 } from '../bytes/bytes.ts';

/**
 * Encapsulating Security Payload (RFC 4303 section 2): SPI, sequence number, initialization vector, then encrypted payload,
 * padding, pad length and next header, then the integrity check value. What the fields in the middle measure is the
 * algorithm's (`EspTransform`).
 */
export const ESP = 50;
export const ESP_HEADER_LENGTH = 8;
/** Pad length and next header. */
export const ESP_TRAILER_LENGTH = 2;
/** Next header of a packet that is only there to be seen (RFC 4303 section 2.6). */
export const DUMMY = 59;
/** SPIs below are reserved (RFC 4303 section 2.1). */
export const LEAST_SPI = 256;

/** Lengths of an algorithm, in octets. `block` is what the encrypted part is a multiple of, at least 4. */
export interface EspShape {
  readonly ivLength: number;
  readonly icvLength: number;
  readonly block: number;
}

export const espSpi = (b: Uint8Array, at: number): number => readU32(b, at);
/** The 32 bits that are on the wire. */
export const espSequence = (b: Uint8Array, at: number): number => readU32(b, at + 4);

export const writeEspHeader = (b: Uint8Array, at: number, spi: number, sequence: number): void => {
  writeU32(b, at, spi);
  writeU32(b, at + 4, sequence);
};

/** Octets of padding behind `payload` octets. */
export const espPadding = (payload: number, block: number): number => {
  const over = (payload + ESP_TRAILER_LENGTH) % block;
  return over === 0 ? 0 : block - over;
};

/** Length of the ESP packet, from the SPI to the ICV, that carries so much payload. */
export const espLength = (payload: number, { ivLength, icvLength, block }: EspShape): number =>
  ESP_HEADER_LENGTH + ivLength + payload + espPadding(payload, block) + ESP_TRAILER_LENGTH + icvLength;

/** The largest payload whose ESP packet has at most `room` octets; negative when there is none. */
export const espCapacity = (room: number, { ivLength, icvLength, block }: EspShape): number => {
  const encrypted = room - ESP_HEADER_LENGTH - ivLength - icvLength;
  return encrypted < block ? -1 : Math.floor(encrypted / block) * block - ESP_TRAILER_LENGTH;
};

export type EspCheck = 'ok' | 'truncated' | 'malformed';

/** Whether `length` octets can be an ESP packet of this shape. */
export const checkEsp = (length: number, { ivLength, icvLength, block }: EspShape): EspCheck => {
  const encrypted = length - ESP_HEADER_LENGTH - ivLength - icvLength;
  if (encrypted < block) return 'truncated';
  return encrypted % block === 0 ? 'ok' : 'malformed';
};

/** Writes padding 1, 2, 3 ... and the two fields behind a payload that ends at `at`. */
export const writeEspTrailer = (b: Uint8Array, at: number, padding: number, nextHeader: number): void => {
  for (let i = 0; i < padding; i += 1) b[at + i] = i + 1;
  b[at + padding] = padding;
  b[at + padding + 1] = nextHeader;
};

/**
 * Of decrypted octets: the length of the payload, or -1 when the padding is longer than they are or is not 1, 2, 3 ... as
 * it has to be (RFC 4303 section 2.4). The next header is the last octet.
 */
export const espPayloadLength = (b: Uint8Array, at: number, length: number): number => {
  if (length < ESP_TRAILER_LENGTH) return -1;
  const padding = b[at + length - ESP_TRAILER_LENGTH] ?? 0;
  const payload = length - ESP_TRAILER_LENGTH - padding;
  if (payload < 0) return -1;
  for (let i = 0; i < padding; i += 1) {
    if (b[at + payload + i] !== i + 1) return -1;
  }
  return payload;
};
