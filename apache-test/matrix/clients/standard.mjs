// The WebSocket of the WHATWG's standard, as a JavaScript runtime has it built in.
const args = globalThis.Deno ? Deno.args : process.argv.slice(2);
const [url, protocols] = args;
const ws = protocols ? new WebSocket(url, protocols.split(',')) : new WebSocket(url);
ws.binaryType = 'arraybuffer';
// Over HTTP/2 Node 26.10 would go while the WebSocket is open, and 26.0 tells nothing of a refusal.
const alive = setTimeout(() => {}, 30_000);
let opened = false, told = false;
const end = (code) => {
  clearTimeout(alive);
  if (!told) console.log(opened ? `closed ${code}` : 'refused -');
  told = true;
};
ws.onopen = () => { opened = true; console.log(`open ${ws.protocol || '-'}`); };
ws.onmessage = ({ data }) => (data === 'close' ? ws.close(4002) : ws.send(data));
ws.onclose = ({ code }) => end(code);
ws.onerror = () => opened || end();  // Node 22 tells no more of a refusal
