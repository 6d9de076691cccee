// A peer that owes nothing to our code: calls an address with one GRE packet and prints where the answer came from.
import raw from 'raw-socket';

const called = process.argv[2];
const header = Buffer.from('3001880b00050001', 'hex');
const socket = raw.createSocket({ protocol: 47 });
const dotted = (packet, at) => [...packet.subarray(at, at + 4)].join('.');
const retry = setInterval(() => call(), 200);

socket.on('message', (packet) => {
  clearInterval(retry);
  const payload = packet.subarray(20 + header.length).toString('latin1');
  console.log(JSON.stringify({ source: dotted(packet, 12), destination: dotted(packet, 16), payload }));
  socket.close();
});
const call = () => {
  const packet = Buffer.concat([header, Buffer.from('hello')]);
  socket.send(packet, 0, packet.length, called, (error) => {
    if (error) throw error;
  });
};
call();
