// Sends one packet of an IP protocol, then one of protocol 254, which nobody serves. Prints whether ICMP protocol
// unreachable came back for the first; that for the second, which comes later, ends the wait.
import raw from 'raw-socket';

const [, , target, protocol] = process.argv;
const SENTINEL = 254;
const icmp = raw.createSocket({ protocol: raw.Protocol.ICMP });
const probe = raw.createSocket({ protocol: Number(protocol) });
const sentinel = raw.createSocket({ protocol: SENTINEL });
let heard = false;

icmp.on('message', (packet) => {
  const message = packet.subarray((packet[0] & 15) * 4);
  if (message[0] !== 3 || message[1] !== 2) return;
  const about = message[8 + 9];
  if (about === Number(protocol)) heard = true;
  if (about !== SENTINEL) return;
  console.log(heard ? 'unreachable' : 'silence');
  process.exit(0);
});
const send = (socket, then) => {
  const packet = Buffer.alloc(64, 0x30);
  socket.send(packet, 0, packet.length, target, (error) => {
    if (error) throw error;
    then();
  });
};
send(probe, () => send(sentinel, () => undefined));
