import { STAGE_SLOT, type Stage } from '../../core/datapath/stage.ts';
import type { Direction } from '../../core/outcome.ts';

/** Places on a packet's way where a capture can look at it, from the outside inwards. */
export const CAPTURE_POINTS = ['gre', 'ppp', 'decrypted', 'tun'] as const;
export type CapturePoint = (typeof CAPTURE_POINTS)[number];

export const isCapturePoint = (word: string): word is CapturePoint => CAPTURE_POINTS.some((point) => point === word);

/** Points where packets lie open whatever the tunnel encrypts. */
export const CLEAR_POINTS: ReadonlySet<CapturePoint> = new Set(['decrypted', 'tun']);

/** Where a capture looks when it is not told: no packet twice in the same form. */
export const defaultPoints = (decrypted: boolean): readonly CapturePoint[] =>
  decrypted ? ['gre', 'decrypted'] : ['gre'];

/** LINKTYPE_RAW, LINKTYPE_PPP_WITH_DIR. */
const RAW_IP = 101;
const PPP_WITH_DIRECTION = 204;

export const POINT_INTERFACES: Readonly<
  Record<CapturePoint, { readonly linkType: number; readonly description: string }>
> = {
  gre: {
    linkType: RAW_IP,
    description:
      'GRE packets between gateway and clients. The outer IPv4 header is made up of the addresses: its identification, TTL and options are not those of the wire.',
  },
  ppp: {
    linkType: PPP_WITH_DIRECTION,
    description: 'PPP frames as they are in GRE, encrypted where the tunnel is; those of clients in order of sequence.',
  },
  decrypted: {
    linkType: PPP_WITH_DIRECTION,
    description: 'PPP frames after decryption and before encryption, with a header of four octets.',
  },
  tun: { linkType: RAW_IP, description: 'IP packets between gateway and intranet, at the TUN device.' },
};

/** What the probe does when a stage has worked, by the name of the stage. */
export interface StagePlan {
  readonly slot: number;
  /** Packets that came from the device are known by session behind this stage. */
  readonly settles: boolean;
  /** Points that lie right behind the stage. */
  readonly points: readonly CapturePoint[];
  /** Packets that join behind the stage are clear PPP frames of the gateway's own that no `decrypted` point saw. */
  readonly joinsClear: boolean;
}

export type Plan = Readonly<Record<Direction, ReadonlyMap<string, StagePlan>>>;

const ways = (stages: readonly Stage[], direction: Direction): readonly Stage[] =>
  direction === 'in'
    ? stages.filter(({ inbound }) => inbound !== undefined)
    : stages.filter(({ outbound }) => outbound !== undefined);

const plan = (
  stages: readonly Stage[],
  slots: { readonly settles: Stage | undefined; readonly at: readonly (readonly [CapturePoint, Stage | undefined])[] },
  joinsClear: (slot: number) => boolean,
): ReadonlyMap<string, StagePlan> =>
  new Map(
    stages.map((stage) => [
      stage.name,
      {
        slot: stage.slot,
        settles: stage === slots.settles,
        points: slots.at.filter(([, after]) => after === stage).map(([point]) => point),
        joinsClear: joinsClear(stage.slot),
      },
    ]),
  );

/** Finds the points between the stages; `stages` come sorted by slot. The devices' ends need no plan. */
export const planPoints = (stages: readonly Stage[]): Plan => {
  const inbound = ways(stages, 'in');
  const outbound = ways(stages, 'out');
  const lastIn = (fits: (slot: number) => boolean): Stage | undefined => inbound.findLast(({ slot }) => fits(slot));
  const lastOut = (fits: (slot: number) => boolean): Stage | undefined => outbound.find(({ slot }) => fits(slot));
  return {
    in: plan(
      inbound,
      {
        settles: lastIn((slot) => slot <= STAGE_SLOT.demux),
        at: [
          ['ppp', lastIn((slot) => slot < STAGE_SLOT.ppp)],
          ['decrypted', lastIn((slot) => slot <= STAGE_SLOT.mppe)],
        ],
      },
      () => false,
    ),
    out: plan(
      outbound,
      {
        settles: lastOut((slot) => slot >= STAGE_SLOT.address),
        at: [
          ['decrypted', lastOut((slot) => slot > STAGE_SLOT.mppe)],
          ['ppp', lastOut((slot) => slot >= STAGE_SLOT.ppp)],
        ],
      },
      (slot) => slot > STAGE_SLOT.ppp && slot < STAGE_SLOT.mppe,
    ),
  };
};
