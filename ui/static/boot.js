// Starts the window's WebAssembly, and sees to it that a fault before or after its start reaches the app's log: in the
// desktop window nobody sees the console.
import init from './nightjar.js';

const LONGEST = 4000;

// A MessagePack request Log(text), written by hand: it must go out even when the module does not load.
function log(text) {
  const utf8 = new TextEncoder().encode(text.slice(0, LONGEST));
  const head = [0x81, 0xa3, 0x4c, 0x6f, 0x67, 0xdb];
  const body = new Uint8Array(head.length + 4 + utf8.length);
  body.set(head);
  new DataView(body.buffer).setUint32(head.length, utf8.length);
  body.set(utf8, head.length + 4);
  const sent = window.__TAURI__
    ? window.__TAURI__.core.invoke('request', body)
    : fetch('/request', { method: 'POST', body });
  // A log that cannot be written must not become the next fault to log.
  Promise.resolve(sent).catch(() => {});
}

function words(reason) {
  return reason instanceof Error ? reason.stack || reason.message : String(reason);
}

// After a fault in the module its state is unknown: it is said plainly, with the one way on.
function fatal(title, text) {
  if (document.getElementById('fault')) return;
  const fault = document.createElement('div');
  fault.id = 'fault';
  fault.setAttribute('role', 'alertdialog');
  const heading = document.createElement('h1');
  heading.textContent = title;
  const detail = document.createElement('pre');
  detail.textContent = text;
  const again = document.createElement('button');
  again.textContent = 'Load the window again';
  again.addEventListener('click', () => location.reload());
  fault.append(heading, detail, again);
  document.body.append(fault);
  again.focus();
}

window.addEventListener('error', (event) => {
  const text = words(event.error || event.message);
  log(text);
  if (event.error instanceof WebAssembly.RuntimeError) {
    fatal('The window met a fault of its own. Captures and sensors are not touched by it.', text);
  }
});
window.addEventListener('unhandledrejection', (event) => log(words(event.reason)));

init().catch((reason) => {
  const text = words(reason);
  log(text);
  fatal('The window could not start.', text);
});
