import { describe, expect, it } from 'vitest';
import { readU16 } from '../../core/bytes/bytes.ts';
import type { Session } from '../../core/datapath/session.ts';
import { definePlugin, PLUGIN_API } from '../../core/ports/plugin.ts';
import { TOKENS } from '../../core/tokens.ts';
import { writeIpv4Checksum } from '../../core/wire/ipv4.ts';
import { PPP } from '../../core/wire/ppp.ts';
import { encodeConfigPacket } from '../../core/wire/ppp-config.ts';
import { withOptions } from '../../gateway/plugin-loader.ts';
import { arrived } from '../support/arrived.ts';
import { address } from '../support/batches.ts';
import { GatewayLab } from '../support/gateway-lab.ts';
import { ipv4Packet } from '../support/ipv4-packets.ts';

const HOST = address('10.0.0.80');

describe('a packet from the intranet that the client cannot take', () => {
  const start = async () => {
    const lab = await GatewayLab.start();
    const client = await lab.connect({ link: { mru: 1000 } });
    const big = (word: number): Uint8Array => {
      const packet = ipv4Packet({ source: HOST, destination: client.address, payload: new Uint8Array(1300) });
      packet[6] = word;
      writeIpv4Checksum(packet, 0);
      return packet;
    };
    return { lab, client, big };
  };

  it('with DF is answered towards the intranet with what fits its MRU under MPPE', async () => {
    const { lab, client, big } = await start();
    lab.tun.hostSends(big(0x40));
    await lab.clock.advance(100);
    expect(arrived(client.tun)).toEqual([]);
    const [answer, ...none] = arrived(lab.tun);
    expect(none).toEqual([]);
    expect([...(answer?.subarray(12, 22) ?? [])]).toEqual([10, 99, 0, 1, 10, 0, 0, 80, 3, 4]);
    expect(answer && readU16(answer, 26)).toBe(996);
    expect([...lab.telemetry.drops]).toEqual([['mtu out too-big', 1]]);
    // What was announced does fit.
    lab.tun.hostSends(ipv4Packet({ source: HOST, destination: client.address, payload: new Uint8Array(976) }));
    await lab.clock.advance(100);
    expect(arrived(client.tun)).toHaveLength(1);
  });

  it('without DF arrives in fragments', async () => {
    const { lab, client, big } = await start();
    lab.tun.hostSends(big(0));
    await lab.clock.advance(100);
    expect(arrived(client.tun).map((piece) => piece.length)).toEqual([996, 344]);
    expect([...lab.telemetry.drops]).toEqual([]);
  });
});

describe('what a peer says of itself', () => {
  it('is kept with the session, in its trace and in the line that says it is up', async () => {
    const sessions: Session[] = [];
    const magic = [0, 0, 0, 1];
    const said = [
      encodeConfigPacket(12, 1, Uint8Array.of(...magic, 77, 83, 82, 65, 83, 27)),
      encodeConfigPacket(13, 2, Uint8Array.of(...magic, 0, 0, 0, 60)),
    ];
    const watch = definePlugin({
      name: 'watch',
      api: PLUGIN_API,
      register: ({ bind }) => {
        bind(TOKENS.Stage).toResolvedValue(
          (frames) => ({
            name: 'watch',
            slot: 310,
            open: (session) => {
              sessions.push(session);
              // While LCP is being negotiated.
              queueMicrotask(() => {
                for (const bytes of said) frames.frame(session, PPP.lcp, bytes);
              });
            },
          }),
          [TOKENS.ControlFrames],
        );
      },
    });
    const lab = await GatewayLab.start({ plugins: [withOptions(watch, undefined)] });
    await lab.dial();
    await lab.clock.advance(1_000);
    expect([...(sessions[0]?.attributes ?? [])]).toEqual([
      ['pptp.peer.host_name', 'pptp-gateway'],
      ['ppp.lcp.identification', 'MSRAS.'],
      ['ppp.lcp.time_remaining', '60 s'],
    ]);
    const up = lab.log.lines.find(({ event }) => event === 'session.up');
    expect(up?.fields['identification']).toBe('MSRAS.');
    expect(lab.telemetry.traces[0]?.attributes['ppp.lcp.identification']).toBe('MSRAS.');
  });
});
