import { type Ipv4 } from '../../core/bytes/ipv4-address.ts';
import type { DialledPipe } from './dial-pptp.ts';
export interface ConnectOptions {
    /** Name or IPv4 address. */
    readonly host: string;
    readonly port: number;
    /** For the TCP connection, in ms. */
    readonly timeoutMs: number;
}
/** The IPv4 address of a name. Throws GatewayError DIAL_FAILED. */
export declare const resolveServer: (host: string) => Promise<Ipv4>;
/** Opens the TCP connection of a control connection. Throws GatewayError DIAL_FAILED; rejects at once when aborted. */
export declare const connectControl: ({ host, port, timeoutMs }: ConnectOptions, signal: AbortSignal) => Promise<DialledPipe>;
//# sourceMappingURL=connect.d.ts.map