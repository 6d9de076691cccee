import { type Capture, startCapture } from './capture.ts';
import { type DialOptions, type DialResult, dialArguments, parseDial, type TunnelUp } from './dial.ts';
import { type Finished, mustRun, quote, run } from './shell.ts';
import { SCRIPTS } from './topology.ts';

export interface ExecOptions {
  /** The guest ends the command after this time with status 124. Default 90. */
  readonly timeoutSeconds?: number;
}

/** Where a guest stands in its lab; made by Lab. */
export interface GuestPlace {
  readonly name: string;
  readonly address: string;
  readonly bootMs: number;
  /** The bridge of its first cable. */
  readonly bridge: string;
  readonly switchNamespace: string;
  /** Tells the scripts which lab is meant. */
  readonly env: Readonly<Record<string, string>>;
}

/** A booted machine with a real PPTP client in it. */
export class Guest {
  readonly name: string;
  readonly address: string;
  readonly bootMs: number;
  readonly #bridge: string;
  readonly #switch: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor(place: GuestPlace) {
    this.name = place.name;
    this.address = place.address;
    this.bootMs = place.bootMs;
    this.#bridge = place.bridge;
    this.#switch = place.switchNamespace;
    this.#env = place.env;
  }

  /** Runs a shell command in the guest; output and error output come together in `output`. */
  exec(command: string, options: ExecOptions = {}): Promise<Finished> {
    return this.#script('exec', this.name, '-t', String(options.timeoutSeconds ?? 90), command);
  }

  /** As {@link exec}, and a status other than 0 is an error. */
  async must(command: string, options: ExecOptions = {}): Promise<string> {
    const { status, output, errors } = await this.exec(command, options);
    if (status !== 0) throw new Error(`guest ${this.name}: ${command}: status ${status}\n${output}${errors}`);
    return output;
  }

  /** Dials; a tunnel that does not come up is a result, not an error. */
  async dial(options: DialOptions): Promise<DialResult> {
    const started = performance.now();
    const command = ['/lab/dial', ...dialArguments(options).map(quote)].join(' ');
    const { output, errors } = await this.exec(command, { timeoutSeconds: (options.waitSeconds ?? 60) + 30 });
    return parseDial(output + errors, Math.round(performance.now() - started));
  }

  /** Dials; a tunnel that does not come up is an error with the client's log. */
  async mustDial(options: DialOptions): Promise<TunnelUp> {
    const result = await this.dial(options);
    if (!result.up) throw new Error(`guest ${this.name} got no tunnel\n${result.log}`);
    return result;
  }

  /** Ends the call in good order: LCP Terminate, then Call-Clear. */
  async hangUp(): Promise<void> {
    await this.must('/lab/hang-up TERM');
  }

  /** SIGKILL to the client's processes: no goodbye, but the guest's kernel closes the TCP connection. */
  async killClient(): Promise<void> {
    await this.must('/lab/hang-up KILL');
  }

  /** Pulls the plug of the guest: from now on nothing comes from it, not even a TCP FIN. */
  async powerOff(): Promise<void> {
    await mustRun(`${SCRIPTS}guest.sh`, ['stop', this.name], { env: this.#env });
  }

  /** Takes out the network cable; the client is alive and does not know. */
  async cutCable(): Promise<void> {
    await mustRun(`${SCRIPTS}guest.sh`, ['cut', this.name], { env: this.#env });
  }

  async plugCable(): Promise<void> {
    await mustRun(`${SCRIPTS}guest.sh`, ['plug', this.name, this.#bridge], { env: this.#env });
  }

  /** The client's log of the last call. */
  async log(): Promise<string> {
    return (await this.exec("cat /run/dial.out /run/pppd.log; sed 's/<[0-9]*>/\\n/g' /run/syslog")).output;
  }

  /** Captures its call on the host's side of the cable; resolves when packets are being seen. */
  capture(file: string): Promise<Capture> {
    return startCapture(this.#switch, `t-${this.name}`, file);
  }

  #script(...args: readonly string[]): Promise<Finished> {
    return run(`${SCRIPTS}guest.sh`, args, { env: this.#env });
  }
}
