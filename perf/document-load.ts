/** Brings the documents of documents.ts into a server, and looks whether they are there. */
import { HttpClient, WebSocketClient } from '../src/client/index.js';
import { putAll } from './bulk-put.js';
import {
  COLLECTION,
  documentFault,
  documentTemplate,
  fillIn,
  keyOf,
  type PerfDocument,
  type Writer,
} from './documents.js';
import type { ServerProcess } from './server-process.js';

/** Documents in one call of the client, which makes frames of them. */
const CALL_DOCUMENTS = 10_000;
const SAMPLES = 100;

/** Writes documents 0 to `keys` − 1, over WebSocket: the fastest way in. */
export async function loadDocuments(
  server: ServerProcess,
  keys: number,
  writer: Writer,
  documentBytes: number,
  onProgress: (share: number) => void = () => {},
): Promise<void> {
  const template = documentTemplate(writer, documentBytes);
  await loadEach(server, keys, (index) => fillIn(template, index), { onProgress });
}

/** The same with documents that need not be alike. */
export async function loadEach(
  server: ServerProcess,
  keys: number,
  documentOf: (index: number) => string,
  options: { readonly keyOf?: (index: number) => string; readonly onProgress?: (share: number) => void } = {},
): Promise<void> {
  const { onProgress = () => {}, keyOf: nameOf = keyOf } = options;
  const client = await WebSocketClient.connect(server.wsUrl);
  for (let start = 0; start < keys; start += CALL_DOCUMENTS) {
    const indexes = Array.from({ length: Math.min(CALL_DOCUMENTS, keys - start) }, (_, i) => start + i);
    const documents = indexes.map(documentOf);
    await server.process.during(putAll(client, COLLECTION, indexes.map(nameOf), documents));
    onProgress((start + indexes.length) / keys);
  }
  await client.close();
}

/** Reads some of the documents 0 to `keys` − 1 and compares them. Gives how many of them `writer` wrote, as a share. */
export async function sampleDocuments(
  server: ServerProcess,
  keys: number,
  writer: Writer,
  documentBytes: number,
): Promise<number> {
  const client = new HttpClient({ baseUrl: server.httpUrl });
  let found = 0;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const index = Math.floor(Math.random() * keys);
    const { document } = await server.process.during(client.get<PerfDocument>(COLLECTION, keyOf(index)));
    const fault = documentFault(document, index, documentBytes);
    if (fault !== undefined) throw new Error(`wrong document: ${fault}`);
    if (document.writer === writer) found++;
  }
  client.close();
  return found / SAMPLES;
}

/** Documents that the server counts. */
export async function countDocuments(server: ServerProcess): Promise<number> {
  const client = new HttpClient({ baseUrl: server.httpUrl });
  const { documentCount } = await client.collections.get(COLLECTION);
  client.close();
  return documentCount;
}
