import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../../core/bytes/hex.ts';
import { shownOfFrame, shownOfGre } from '../../../../observability/capture/mask.ts';

const frame = (hex: string): number => {
  const bytes = fromHex(hex.replaceAll(' ', '')) ?? new Uint8Array(0);
  return shownOfFrame(bytes, 0, bytes.length);
};
const gre = (hex: string): number => {
  const bytes = fromHex(hex.replaceAll(' ', '')) ?? new Uint8Array(0);
  return shownOfGre(bytes, 0, bytes.length);
};

describe('what of a PPP frame is shown without --decrypted', () => {
  it.each([
    ['PAP request', 'ff03 c023 01 07 000e 05 616c696365 03 616263', 8],
    ['PAP request without address and control', 'c023 01 07 000e 05 616c696365 03 616263', 6],
    ['CHAP challenge', 'ff03 c223 01 01 000a 04 01020304 67', 8],
    ['CHAP response', 'ff03 c223 02 01 000a 04 01020304 67', 8],
    ['EAP response', 'ff03 c227 02 01 0009 01 616c6963', 8],
    ['Shiva PAP', 'c027 01 07 0006 6162', 6],
    ['a protocol of the link that is not known', 'c899 01 07 0006 6162', 6],
    ['an authentication frame that ends in its header', 'c223 01 01', 4],
    ['LCP Protocol-Reject of PAP', 'ff03 c021 08 01 000e c023 01 07 0008 01 61 01 62', 10],
    ['LCP Code-Reject of a Protocol-Reject', 'ff03 c021 07 01 0010 08 01 000c c023 01 07 0006 6162', 12],
  ])('%s: the header', (_what, hex, shown) => {
    expect(frame(hex)).toBe(shown);
  });

  it.each([
    ['LCP Configure-Request', 'ff03 c021 01 01 0008 01 04 0578'],
    ['LCP Protocol-Reject of CCP', 'ff03 c021 08 01 000a 80fd 01 07 0004'],
    ['LCP Code-Reject of a code of no quotation', 'ff03 c021 07 01 0008 0c 01 0004'],
    ['LCP that ends in its header', 'c021 08'],
    ['IPCP', 'ff03 8021 01 01 000a 03 06 00000000'],
    ['encrypted user data', '00fd 9001 c023 0102030405'],
    ['user data with a short protocol field', '21 4500'],
    ['a frame that ends before its protocol', 'ff03'],
  ])('%s: all of it', (_what, hex) => {
    expect(frame(hex)).toBe(hex.replaceAll(' ', '').length / 2);
  });
});

describe('what of a GRE packet is shown without --decrypted', () => {
  it('all of a packet with a harmless frame, padding included', () => {
    expect(gre('3001 880b 0006 1111 00000000 00fd 9001 aabb 0000')).toBe(20);
  });

  it('the headers of one with an authentication frame', () => {
    expect(gre('3001 880b 000e 1111 00000000 c023 01 07 000c 05616c69636501 61')).toBe(18);
    expect(gre('3081 880b 000e 1111 00000000 00000001 c023 01 07 000c 05616c69636501 61')).toBe(22);
  });

  it('the header of what is no enhanced GRE, whatever it carries', () => {
    expect(gre('3801 880b 000e 1111 00000000 c023 01 07 000c 05616c69636501 61')).toBe(16);
    expect(gre('0000 0800 4500 001c 0001')).toBe(10);
  });
});
