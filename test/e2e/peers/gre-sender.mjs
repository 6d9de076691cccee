// Sends GRE packets that owe nothing to our code: node gre-sender.mjs ADDRESS '[{"gre": HEX, "options": HEX}, ...]'.
// `options` are of the IP header. With a third argument it goes on until it is killed, and says when it has begun.
import raw from 'raw-socket';

const IPPROTO_IP = 0;
const IP_OPTIONS = 4;
const [address, json, on] = process.argv.slice(2);
const socket = raw.createSocket({ protocol: 47 });
const sendAll = async () => {
  for (const { gre, options = '' } of JSON.parse(json)) {
    const bytes = Buffer.from(options, 'hex');
    socket.setOption(IPPROTO_IP, IP_OPTIONS, bytes, bytes.length);
    const packet = Buffer.from(gre, 'hex');
    await new Promise((sent, failed) => {
      socket.send(packet, 0, packet.length, address, (error) => (error ? failed(error) : sent()));
    });
  }
};
await sendAll();
if (on !== undefined) console.log('begun');
while (on !== undefined) await sendAll();
socket.close();
