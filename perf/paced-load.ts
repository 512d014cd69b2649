/**
 * HTTP load at a fixed rate, half GET and half PUT of random keys, in a process of its own; see paced-sender.ts.
 * Argument: a PacedLoad; prints a PacedReport.
 */
import { printReport } from './child-process.js';
import { DOCUMENT_PATH, documentTemplate, fillIn } from './documents.js';
import { type Pace, PacedSender } from './paced-sender.js';

export interface PacedLoad extends Pace {
  readonly keys: number;
  readonly documentBytes: number;
}

const load = JSON.parse(process.argv[2]) as PacedLoad;

/** Requests of all keys, GET at even and PUT at odd places. */
function buildRequests(): Uint8Array[] {
  const host = `Host: 127.0.0.1:${load.port}\r\n`;
  const template = documentTemplate('http', load.documentBytes);
  const requests: Uint8Array[] = [];
  for (let i = 0; i < load.keys; i++) {
    const path = fillIn(DOCUMENT_PATH, i);
    const body = fillIn(template, i);
    const headers = `${host}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
    requests.push(Buffer.from(`GET ${path} HTTP/1.1\r\n${host}\r\n`));
    requests.push(Buffer.from(`PUT ${path} HTTP/1.1\r\n${headers}\r\n${body}`));
  }
  return requests;
}

const requests = buildRequests();
const anyRequest = (): Uint8Array => requests[Math.floor(Math.random() * requests.length)];
printReport(await new PacedSender(load, anyRequest, false).run());
