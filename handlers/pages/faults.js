// Shows what does not compile or load, from the faults.json that `cppwebsocket serve` writes:
// [{"file": "chat_wsh.cpp", "said": "…"}, …]. A page includes this behind its element #faults.
'use strict';

{
  const place = document.querySelector('#faults');
  let shown = '[]';

  const fault = ({ file, said }) => {
    const item = document.createElement('details');
    item.open = true;
    const summary = document.createElement('summary');
    summary.textContent = file;
    const words = document.createElement('pre');
    words.textContent = said;
    item.append(summary, words);
    return item;
  };

  const look = async () => {
    try {
      const response = await fetch('faults.json', { cache: 'no-store' });
      if (response.status === 404) return;  // nobody writes it
      const text = await response.text();
      if (response.ok && text !== shown) {
        const faults = JSON.parse(text);
        place.replaceChildren(...faults.map(fault));
        place.hidden = faults.length === 0;
        shown = text;
        document.dispatchEvent(new Event('faults'));
      }
    } catch {
      // The server restarts, or the page was opened as a file.
    }
    setTimeout(look, 1000);
  };
  look();
}
