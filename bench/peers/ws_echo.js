// An echo server with npm's ws. What comes on the path /publish goes to all the others instead.
// Options as those of peers/arguments.hpp.
const fs = require('fs');
const http = require('http');
const https = require('https');
const { WebSocket, WebSocketServer } = require('ws');

const options = {};
for (let i = 2; i + 1 < process.argv.length; i += 2) {
  options[process.argv[i].replace(/^--/, '')] = process.argv[i + 1];
}

const pem = options.tls && fs.readFileSync(options.tls);
const server = pem ? https.createServer({ cert: pem, key: pem }) : http.createServer();
const sockets = new WebSocketServer({
  server,
  maxPayload: 64 << 20,
  perMessageDeflate: options.compress === undefined ? false : {
    serverNoContextTakeover: options.compress === 'no-takeover',
    clientNoContextTakeover: options.compress === 'no-takeover',
    threshold: 0,
  },
});

const members = new Set();
sockets.on('connection', (socket, request) => {
  socket.on('error', () => socket.terminate());
  if (request.url === '/publish') {
    socket.on('message', (message, binary) => {
      for (const member of members) {
        if (member.readyState === WebSocket.OPEN) member.send(message, { binary });
      }
    });
    return;
  }
  members.add(socket);
  socket.on('close', () => members.delete(socket));
  socket.on('message', (message, binary) => socket.send(message, { binary }));
});

server.listen(Number(options.port), '127.0.0.1', 4096, () => {
  console.log(`listening on ${server.address().port}`);
});
