/** Thread entry point; see src/runtime/front-thread.ts. */
import { workerData } from 'node:worker_threads';
import { runFrontThread } from '../src/runtime/front-thread.js';

runFrontThread(workerData);
