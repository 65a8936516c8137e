// Shows what ticker_wsh.cpp sends, "SECONDS by PID", and comes back when its child is gone.
import { connect } from './client/connect.js';

const $ = (id) => document.getElementById(id);
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

const words = {
  connecting: 'connecting', open: 'connected', waiting: 'connecting again', paused: 'paused', stopped: 'refused',
};
const ticks = connect('/ticker', { protocols: [], json: false, backoff: { base: 0.5, most: 2 } });
ticks.on('message', ({ data }) => show(data));
ticks.on('state', ({ state }) => showState(state, words[state]));
