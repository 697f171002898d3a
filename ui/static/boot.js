// Starts the window's WebAssembly, and sees to it that a fault before or after its start reaches the app's log: in the
// desktop window nobody sees the console.
import init, { report_fault } from './nightjar.js';

let started = false;

function report(text) {
  // Once the module runs it knows how to reach the app; before that only the page can say what is wrong.
  if (started) {
    report_fault(text);
    return;
  }
  const note = document.createElement('pre');
  note.className = 'boot-fault';
  note.textContent = 'Nightjar\'s window could not start.\n\n' + text;
  document.body.replaceChildren(note);
}

function words(reason) {
  return reason instanceof Error ? reason.stack || reason.message : String(reason);
}

window.addEventListener('error', (event) => report(words(event.error || event.message)));
window.addEventListener('unhandledrejection', (event) => report(words(event.reason)));

init().then(
  () => { started = true; },
  (reason) => report(words(reason)),
);
