// Stands in for the gateway in the test of the lab's own process driver: a JSON log, a ready event, a graceful end.
const say = (event, fields = {}) => console.log(JSON.stringify({ level: 'info', event, ...fields }));

if (process.env.STAND_IN === 'fails') {
  console.error('port 1723 is taken');
  process.exit(3);
}
process.on('SIGTERM', () => {
  if (process.env.STAND_IN === 'stubborn') return;
  say('gateway.stopped');
  process.exit(0);
});
process.on('SIGUSR2', () => say('call.up', { user: 'alice' }));
setInterval(() => undefined, 1_000);
console.log('not JSON');
say('gateway.ready', { pool: process.env.PPTP_POOL, stateDirectory: process.env.PPTP_STATE_DIR });
