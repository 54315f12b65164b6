// Runs on a peer's machine: a web page of somebody else, on another port and under every name.
import http from 'node:http';

const server = http.createServer((_, answer) => {
  answer.setHeader('Content-Type', 'text/html');
  answer.end('<!doctype html><title>elsewhere</title><p>A page of somebody else.');
});
server.listen(Number(process.argv[2]), '0.0.0.0', () => process.stdout.write('open\n'));
// Who started it is gone.
process.stdin.on('end', () => process.exit()).resume();
