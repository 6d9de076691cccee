import type { SessionDetail } from '../admin/api/sessions.ts';
import { profileFacts } from './session-profile.ts';
import { factLines } from './table.ts';
import { safeText } from './text.ts';
import { bitRateText, durationText, octetsText } from './units.ts';

const or = (text: string | null): string => text ?? '-';
const numberFacts = (detail: SessionDetail): readonly (readonly [string, string])[] => {
  const { packetsIn, packetsOut, octetsIn, octetsOut, rateIn, rateOut, lost, silentSeconds, dropped } = detail;
  const silence = silentSeconds === null ? 'nothing came yet' : `last packet ${durationText(silentSeconds)} ago`;
  return [
    ['in', `${octetsText(octetsIn)} in ${packetsIn} packets, ${bitRateText(rateIn)}; ${lost} lost, ${silence}`],
    ['out', `${octetsText(octetsOut)} in ${packetsOut} packets, ${bitRateText(rateOut)}`],
    ['dropped', String(dropped)],
    ...Object.entries(detail.drops).map(([where, count]) => ['', `${count} at ${where}`] as const),
  ];
};

const clock = (seconds: number): string => `${seconds.toFixed(3).padStart(10)} s`;

const timeline = ({ phases, timeline: entries }: SessionDetail): readonly string[] => {
  const begun = phases.map(({ name, start, seconds, error, detail }) => {
    const lasted = seconds === null ? 'goes on' : `${seconds.toFixed(3)} s`;
    const message = error === null ? lasted : `failed after ${lasted}, ${error}: ${detail ?? ''}`;
    return { seconds: start, event: `[${name}]`, message };
  });
  return [...begun, ...entries]
    .toSorted((a, b) => a.seconds - b.seconds)
    .map(({ seconds, event, message }) => `${clock(seconds)}  ${safeText(event)}  ${safeText(message)}`.trimEnd());
};

/** One session for people. */
export const detailLines = (detail: SessionDetail): readonly string[] => [
  ...factLines([
    ['session', `${detail.id}, ${detail.state === 'up' ? 'up' : 'being set up'}`],
    ['user', detail.user],
    ['method', detail.method],
    ['peer', `${detail.peer}, to ${detail.local}`],
    ['address', detail.ipv6 === null ? or(detail.address) : `${or(detail.address)}, ${detail.ipv6}`],
    ['encryption', detail.encryption],
    ['opened', `${detail.openedAt}, ${durationText(detail.seconds)} ago`],
    ['up since', detail.upAt],
    ['call ids', `ours ${detail.callId}, the peer's ${detail.peerCallId}`],
    ['worker', detail.worker === undefined ? null : String(detail.worker)],
    ['trace', detail.traceId],
    ...numberFacts(detail),
    ...(detail.profile === null ? [] : profileFacts(detail.profile)),
    ...Object.entries(detail.attributes),
  ]),
  ...(detail.phases.length + detail.timeline.length === 0 ? [] : ['', ...timeline(detail)]),
];
