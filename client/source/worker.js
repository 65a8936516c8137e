// The script of a SharedWorker, or of a Worker: see shared.js.
import { makeHub } from './hub.js';

const serve = makeHub();
globalThis.onconnect = ({ ports: [port] }) => serve(port);
if (!globalThis.SharedWorkerGlobalScope) serve(globalThis);
