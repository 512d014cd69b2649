/** Thread entry point; see src/runtime/diagnostics/look-thread.ts. */
import { workerData } from 'node:worker_threads';
import { runLookThread } from '../src/runtime/diagnostics/look-thread.js';

runLookThread(workerData);
