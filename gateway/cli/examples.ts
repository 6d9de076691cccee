/** A command line and what it is for. */
export interface Example {
  readonly line: string;
  readonly what: string;
}

const example = (line: string, what: string): Example => ({ line, what });

/** By the path of the verb, for the help, docs/cli.md and the man page. A test reads each line as the program does. */
export const EXAMPLES: ReadonlyMap<string, readonly Example[]> = new Map([
  ['run', [example('run --pool 10.20.0.0/24 --set mppe.policy=required', 'a gateway with a pool of its own')]],
  [
    'dial',
    [example('dial vpn.example.com --user alice --route 10.0.0.0/8', 'a tunnel to a server, one network through it')],
  ],
  [
    'status',
    [
      example('status', 'how the gateway on this host is'),
      example('status --url https://vpn1:8723 --token-file token', 'one elsewhere'),
    ],
  ],
  [
    'sessions list',
    [
      example('sessions list --sort -rateIn --limit 10', 'the ten that send most'),
      example('sessions list --peer 198.51.100.7 --wide', 'all from one address, with all columns'),
    ],
  ],
  ['sessions show', [example('sessions show alice', 'all of the session of a user')]],
  [
    'sessions kick',
    [
      example('sessions kick 4f1c', 'end one session, by the beginning of its id'),
      example('sessions kick alice', 'end the session of a user who has only one'),
      example('sessions kick --user alice --reason "laptop stolen" --yes', 'end all of a user, without a question'),
    ],
  ],
  [
    'sessions set',
    [
      example('sessions set alice --rate-down 10M', 'at most 10 Mbit/s to the client, at once'),
      example('sessions set 10.99.0.2 --rate-down default', 'back to what the configuration says'),
    ],
  ],
  ['sessions watch', [example('sessions watch --state up', 'the live table; q ends it')]],
  ['stats', [example('stats', 'numbers of the moment'), example('stats --watch --json', 'a line of JSON each second')]],
  ['events', [example('events', 'who comes and goes, as it happens')]],
  ['explain', [example('explain last-failure', 'why the last call failed, and what to do')]],
  [
    'users add',
    [
      example('users add alice --generate', 'a user with a password that is printed once'),
      example('users add bob --address 10.99.0.50 --password-file bob.txt', 'a user with a fixed address'),
    ],
  ],
  ['users remove', [example('users remove alice --disconnect', 'a user and the sessions of it')]],
  ['locks clear', [example('locks clear --user alice', 'let a user try again')]],
  [
    'drain',
    [
      example('drain --wait', 'take no new calls, and wait until the last one is over'),
      example('drain --seconds 10m --stop --wait', 'ten minutes for what is up, then the gateway ends'),
      example('drain --cancel', 'take calls again'),
    ],
  ],
  ['reload', [example('reload', 'bring a changed configuration into force')]],
  ['audit', [example('audit --action session.disconnect', 'who ended sessions')]],
  ['log-level', [example('log-level debug --for 10m', 'more log lines for ten minutes')]],
  ['capture', [example('capture --user alice --seconds 60 -w alice.pcapng', 'packets of a user, for Wireshark')]],
  ['trace start', [example('trace start --user alice --packets 20', 'the next packets of a user as spans')]],
  ['doctor', [example('doctor', 'what would keep clients from connecting')]],
  ['plugins list', [example('plugins list --running', 'what the running gateway has loaded')]],
  ['plugins new', [example('plugins new acme-directory --kind authenticator', 'a package to start from')]],
  ['config check', [example('config check --config /etc/pptp-gateway.yaml', 'all mistakes of a file at once')]],
  ['config show', [example('config show --running', 'what the running gateway uses')]],
  ['healthcheck', [example('healthcheck --ready --timeout 3', 'for HEALTHCHECK of a container')]],
  ['completion', [example('completion bash', 'for /etc/bash_completion.d/pptp-gateway')]],
]);

export const examplesOf = (path: string): readonly Example[] => EXAMPLES.get(path) ?? [];
