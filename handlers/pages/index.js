// Lists the handlers that run, from the handlers.json that `cppwebsocket serve` writes: ["/echo", "/close", …].
'use strict';

// What the examples do, in a few words; other handlers are listed without.
const descriptions = {
  '/abort': 'Drops the connection once it is open: 1006.',
  '/abort_handshake': 'Drops the connection without an answer to the handshake.',
  '/bench': 'Sends “receive 1000” as 1000 bytes; “send” counts what follows.',
  '/chat': 'Rooms, who is there, and nothing missed when you come back.',
  '/close': 'Closes with the code and reason you send: “4001 see you”.',
  '/cookie': 'Sets cookies: ?set, ?httponly, ?clear. Tells those you sent.',
  '/echo': 'Sends every message back.',
  '/echo_blocking': 'Echo in the blocking style: a thread, plain calls.',
  '/echo_noext': 'Echo without extensions: never compressed.',
  '/gallery/game': 'A room of players, 20 times a second, in binary.',
  '/gallery/jsonrpc': 'JSON-RPC 2.0: “subtract”, “echo”.',
  '/gallery/login': 'Lets in who sends a token of the file LOGIN_TOKENS.',
  '/gallery/postgresql': 'Notifications of the database that DATABASE names.',
  '/gallery/tail': 'What is written to the file that TAIL_FILE names.',
  '/gallery/tcp_bridge': 'Binary messages to and from TCP at TCP_BRIDGE.',
  '/gallery/upload': 'Files into the directory UPLOAD_DIRECTORY, with progress.',
  '/heartbeat': 'Ticks every second from a task that ends with the connection.',
  '/hsts': 'Adds a header to the handshake’s answer, says hello, closes.',
  '/internal_error': 'Has a bug: only its own connection ends, with 1011.',
  '/origin_check': 'Lets in pages of http://localhost only, so not this one: 403.',
  '/subprotocol': 'Speaks chat.example or echo.example.',
  '/ticker': 'Ticks for everyone from one task in the whole httpd.',
};
// What has a page of its own.
const pages = { '/chat': 'chat.html', '/ticker': 'ticker.html' };
// What the console should be opened with, where the path alone would show little.
const consoleQuery = {
  '/close': { message: '4001 see you' },
  '/bench': { message: 'receive 1000' },
  '/cookie': { path: '/cookie?set' },
  '/subprotocol': { protocols: 'echo.example, chat.example' },
};

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function card(path) {
  const link = element('a', '');
  link.href = pages[path] ??
    'console.html?' + new URLSearchParams({ path, ...consoleQuery[path] });
  link.append(element('span', path, 'path'));
  link.append(element('span', descriptions[path] ?? 'Your handler.', 'hint'));
  const item = document.createElement('li');
  item.append(link);
  return item;
}

async function listHandlers() {
  try {
    const response = await fetch('handlers.json', { cache: 'no-store' });
    const paths = response.ok ? await response.json() : [];
    if (paths.length > 0) {
      document.querySelector('#handlers').replaceChildren(...paths.map(card));
      return;
    }
  } catch {
    // Opened as a file, or something else answers: the page says what to do instead.
  }
  document.querySelector('#no-handlers').hidden = false;
}

if (location.host) document.querySelector('#host').textContent = location.host;
listHandlers();
document.addEventListener('faults', listHandlers);
