/**
 * The yardstick: uWebSockets.js in a process of its own, answering every request with the same text and nothing but a
 * Content-Type. Faster than this no server on uWebSockets.js can be. Argument: {"bodyBytes":N}. Sends {port}.
 */
import uWS from 'uWebSockets.js';

const { bodyBytes } = JSON.parse(process.argv[2]) as { bodyBytes: number };
const body = JSON.stringify({ text: 'x'.repeat(Math.max(0, bodyBytes - '{"text":""}'.length)) });

const app = uWS.App().any('/*', (res) => {
  res.writeHeader('Content-Type', 'application/json');
  res.end(body);
});

app.listen(0, (socket) => {
  if (!socket) throw new Error('the bare server cannot listen');
  process.send?.({ port: uWS.us_socket_local_port(socket) });
});
process.on('SIGTERM', () => process.exit(0));
// Without its parent it has no purpose.
process.on('disconnect', () => process.exit(0));
