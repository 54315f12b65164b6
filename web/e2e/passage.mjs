// Runs on a peer's machine (network namespace) and leads from a socket file, which every machine sees, to the node's API
// on that machine's loopback: so the scenes can ask the node itself what the page claims.
import net from 'node:net';

const [socket, port] = process.argv.slice(2);

const door = net.createServer((outside) => {
  const inside = net.connect(Number(port), '127.0.0.1');
  outside.pipe(inside).pipe(outside);
  // Either end may vanish: nodes are stopped and killed here.
  inside.on('error', () => outside.destroy());
  outside.on('error', () => inside.destroy());
});
door.listen(socket, () => process.stdout.write('open\n'));
// Who started it is gone.
process.stdin.on('end', () => process.exit()).resume();
