imports.gi.versions.Soup = '3.0';
const { GLib, Soup } = imports.gi;

const [url, protocols] = ARGV;
const loop = new GLib.MainLoop(null, false);
const message = Soup.Message.new('GET', url);
message.connect('accept-certificate', () => true);
const session = new Soup.Session();
session.add_feature_by_type(Soup.WebsocketExtensionManager);
session.websocket_connect_async(message, null, protocols ? protocols.split(',') : null, 0, null, (_, result) => {
  let ws;
  try {
    ws = session.websocket_connect_finish(result);
  } catch {
    print(`refused ${message.get_status()}`);
    return loop.quit();
  }
  print(`open ${ws.get_protocol() || '-'}`);
  ws.max_incoming_payload_size = 1 << 21;
  ws.connect('message', (_ws, type, bytes) => {
    if (type === 1 && bytes.get_size() === 5 && String.fromCharCode(...bytes.toArray()) === 'close') ws.close(4002, null);
    else ws.send_message(type, bytes);
  });
  ws.connect('closed', () => { print(`closed ${ws.get_close_code()}`); loop.quit(); });
});
loop.run();
