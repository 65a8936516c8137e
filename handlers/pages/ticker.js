// Shows what ticker_wsh.cpp sends, "SECONDS by PID", and comes back when its child is gone.
'use strict';

const $ = (id) => document.getElementById(id);
let socket = null;
let retry = 0;
let leader = '';

function showState(state, text) {
  $('state').dataset.state = state;
  $('state').textContent = text;
}

function show(tick) {
  const [, seconds, child] = /^(\d+) by (\d+)$/.exec(tick);
  const time = new Date(Number(seconds) * 1000).toLocaleTimeString('en-GB');
  $('clock').textContent = time;
  if (child === leader) return;
  if (leader !== '') {
    const change = document.createElement('li');
    change.textContent = `${time} · ${child} took over from ${leader}`;
    $('changes').prepend(change);
    while ($('changes').childElementCount > 5) $('changes').lastElementChild.remove();
  }
  $('leader').textContent = leader = child;
}

function connect() {
  clearTimeout(retry);
  if (socket !== null) return;
  const address = new URL('/ticker', location.href);
  address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const opened = new WebSocket(address);
  socket = opened;
  opened.onopen = () => showState('open', 'connected');
  opened.onmessage = ({ data }) => show(data);
  opened.onclose = () => {
    if (socket !== opened) return;
    socket = null;
    showState('connecting', 'connecting again');
    retry = setTimeout(connect, 300 + Math.random() * 700);
  };
}

window.addEventListener('pagehide', () => {
  clearTimeout(retry);
  const closing = socket;
  socket = null;
  closing?.close();
});
window.addEventListener('pageshow', connect);
