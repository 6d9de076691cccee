const NO_CALL: Readonly<Record<string, string>> = {
  'no-start-request': 'It ended before a Start-Control-Connection-Request: a port scanner, a probe, another protocol.',
  'start-unanswered':
    'It ended with a Start-Control-Connection-Request that got no reply: held back while both sides called each other, or one side left.',
  'no-call-request': 'It was established and ended without a call.',
  'bad-message': 'The peer sent octets that are no PPTP control message.',
  'out-of-state': 'A message that does not fit the state of the connection.',
  'start-timeout': 'It was not established in time.',
  'start-refused': 'Start-Control-Connection-Reply with a refusal; `pptp.result` says which.',
  'version-not-supported': 'The protocol version of the peer is older than RFC 2637.',
  'call-refused': 'We refused the call: a limit is reached, or the gateway is stopping; `pptp.result` says which.',
  'bad-call-id': 'The peer gave two calls the same Call ID.',
  'reply-timeout': 'A reply to a call message did not come.',
  'echo-timeout': 'Echo-Request without an answer: of the control connection or, in a link, of LCP.',
  'not-reading': 'The peer does not read what we send.',
  'no-call-in-time': 'No user logged in on the control connection within `PPTP_CONTROL_IDLE_TIMEOUT`.',
  'made-room': 'As many as may be waited for their user to log in, and another one needed the place.',
  'general-error': 'Result of a reply to our call (RFC 2637 sections 2.8 and 2.10).',
  'no-carrier': 'The same.',
  busy: 'The same.',
  'no-dial-tone': 'The same.',
  'time-out': 'The same.',
  'do-not-accept': 'The same: the server does not take calls from here.',
};

/** Why a control connection ended without a call. */
export const NO_CALL_WORDS: readonly string[] = Object.keys(NO_CALL);

/** The words of error.type on the spans of tunnels, by where they come from. */
export const ERROR_WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'Control connection, no call came of it': NO_CALL,
  'Link and call': {
    'no-gre': 'No GRE packet came: a firewall, router or provider drops IP protocol 47.',
    'no-answer': 'GRE came, but no answer to our LCP.',
    'authentication-failed': 'Nobody proved who they are, or there is no method that both sides allow.',
    'encryption-required': 'Encryption is required here, and the peer does without.',
    'no-address': 'There is no inner address for the user.',
    'not-admitted': 'A policy did not let the user in, or the profile asks for what the gateway cannot do.',
    'negotiation-failed': 'The two sides do not agree on LCP, CCP or IPCP.',
    loopback: 'Our own packets come back.',
    'peer-terminated': 'The peer ended the link with an LCP Terminate-Request.',
    'peer-request': 'The peer cleared the call (Call-Clear-Request).',
    'peer-disconnect': 'The peer disconnected the call (Call-Disconnect-Notify).',
    'control-lost': 'The control connection ended under the call.',
    'link-dead': 'The peer does not answer any more.',
    idle: 'No user data for as long as `PPTP_IDLE_TIMEOUT` or the user allows.',
    'session-timeout': 'The session has lasted as long as it may.',
    quota: 'The quota of the session is used up.',
    administrative: 'Ended here: by an administrator, by a newer log-in of the same user, after an internal error.',
    shutdown: 'The gateway stops.',
  },
  'A phase, while the set-up goes on': {
    renegotiated: 'LCP began anew under this phase.',
    'not-encrypted': 'CCP ended without encryption, which the policy lets pass.',
    'no-ipv6': 'IPV6CP did not open.',
  },
  'A round of authentication': {
    'bad-credentials': 'Wrong user name or password.',
    expired: 'The password has expired.',
    locked: 'The account is disabled.',
    unavailable: 'The user store could not be asked.',
    'proof-refused': 'A LAN Manager proof.',
    'change-refused': 'The new password was not taken.',
    'method-nak': 'The EAP method that was offered is refused.',
    'task-failed': 'A step of the TLS handshake could not be done.',
  },
  'A question to a plug-in': {
    'plugin-threw': 'It failed.',
    'plugin-timeout': 'It did not answer within `PPTP_PLUGIN_TIMEOUT`.',
    'plugin-resting': 'It failed again and again, and is not asked for a while.',
    'plugin-answer': 'It answered something that its port does not allow.',
    cancelled: 'The tunnel ended before it answered.',
  },
  '`pptp-gateway dial`; these are codes of docs/errors.md': {
    DIAL_FAILED: 'No TCP connection to the server: it was not found, does not answer or refuses.',
    HOST_NETWORK: 'The host could not be set up; other codes of the host may be here as well.',
  },
};
