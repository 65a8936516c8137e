// The runtime's own WebSocket, whatever way it takes. usage: node websocket_echo.mjs URL
// Prints one JSON object.
const socket = new WebSocket(process.argv[2]);
const timer = setTimeout(() => done({ problem: 'nothing happened' }), 15_000);
const got = [];
const done = (seen) => {
  clearTimeout(timer);
  console.log(JSON.stringify(seen));
};
socket.onopen = () => socket.send('すもも');
socket.onmessage = ({ data }) => {
  got.push(data);
  socket.close(1000, 'done');
};
socket.onerror = ({ message }) => done({ problem: `error ${message}` });
socket.onclose = ({ code, wasClean }) => done({ got, code, wasClean });
