// One WebSocket. `sink` hears open, message and end, in this order, each end once.
export function openWebSocket(env, { url, protocols }, sink) {
  let over = false;
  let opened = false;
  const end = (info) => {
    if (over) return;
    over = true;
    sink.end({ opened, ...info });
  };
  let socket;
  try {
    socket = new env.WebSocket(url, protocols);
  } catch (error) {
    env.setTimeout(() => end({ code: 1006, reason: error.message, final: true }), 0);
    return { close() { over = true; } };
  }
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    opened = true;
    if (!over) sink.open({ protocol: socket.protocol, extensions: socket.extensions });
  };
  socket.onmessage = ({ data }) => {
    if (!over) sink.message(typeof data === 'string' ? data : new Uint8Array(data));
  };
  socket.onclose = ({ code, reason, wasClean }) => end({ code, reason, clean: wasClean });
  // After a refused handshake Node.js 22 says this, and nothing else.
  socket.onerror = () => { if (!opened) end({ code: 1006, reason: '' }); };
  return {
    send: (data) => socket.send(data),
    // Nobody waits for the other side, which may be gone.
    close() {
      over = true;
      socket.close();
    },
    // Waits for it, and tells how it ended.
    goodbye: (code, reason) => socket.close(...[code, reason].filter((each) => each !== undefined)),
    get buffered() { return socket.bufferedAmount; },
  };
}
