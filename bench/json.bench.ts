/** JSON over bytes, next to JSON.parse of the same text. Tasks for bench/main.ts; nothing runs at import. */
import { ByteSink } from '../src/json/byte-sink.js';
import { compileFilter } from '../src/json/filter.js';
import { findMember, Span } from '../src/json/members.js';
import { mergePatch } from '../src/json/merge-patch.js';
import { projectFields } from '../src/json/project.js';
import { DocumentScan, scanDocument } from '../src/json/scan.js';
import { spliceId } from '../src/json/with-id.js';

const FLAT =
  '{"_id":"user-000123","name":"Ada Lovelace","email":"ada@example.com","age":36,"active":true,"city":"London","score":98.25,"tags":["math","code"],"n":null}';
const CYRILLIC =
  '{"_id":"пользователь-1","name":"Ада Лавлейс","note":"line\\nbreak","age":36,"active":true,"addr":{"city":"Лондон","zip":"N1 9GU"}}';
const SINK_BYTES = 4096;

export function jsonBenchmarks(): Array<{ name: string; fn: () => void }> {
  const encoder = new TextEncoder();
  const share = (text: string): Uint8Array => {
    const utf8 = encoder.encode(text);
    const shared = new Uint8Array(new SharedArrayBuffer(utf8.length));
    shared.set(utf8);
    return shared;
  };
  const flat = share(FLAT);
  const flatBuffer = Buffer.from(FLAT);
  const pretty = share(JSON.stringify(JSON.parse(FLAT), null, 2));
  const cyrillic = share(CYRILLIC);
  const withoutId = share(FLAT.replace('"_id":"user-000123",', ''));
  const patch = share('{"age":37,"city":null,"team":"engine"}');
  const id = encoder.encode('user-000123');
  const city = encoder.encode('city');
  const fields = [[encoder.encode('name')], [encoder.encode('age')]];
  const isWanted = compileFilter({ age: { $gte: 30 }, city: 'London' });
  const scan = new DocumentScan();
  const idlessScan = new DocumentScan();
  scanDocument(withoutId, 0, withoutId.length, idlessScan);
  const span = new Span();
  const out = new ByteSink(SINK_BYTES, SINK_BYTES);
  return [
    {
      name: `json: scanDocument, flat ${flat.length} bytes`,
      fn: () => scanDocument(flat, 0, flat.length, scan),
    },
    { name: 'json: JSON.parse of the same string', fn: () => JSON.parse(FLAT) },
    { name: 'json: JSON.parse of the same bytes', fn: () => JSON.parse(flatBuffer.toString()) },
    {
      name: `json: scanDocument, indented ${pretty.length} bytes`,
      fn: () => scanDocument(pretty, 0, pretty.length, scan),
    },
    {
      name: `json: scanDocument, Cyrillic ${cyrillic.length} bytes`,
      fn: () => scanDocument(cyrillic, 0, cyrillic.length, scan),
    },
    { name: 'json: findMember, sixth of nine', fn: () => findMember(flat, 0, flat.length, city, span) },
    { name: 'json: filter of two fields', fn: () => isWanted(flat, 0, flat.length) },
    {
      name: 'json: project two fields',
      fn: () => {
        out.reset();
        projectFields(flat, 0, flat.length, fields, out);
      },
    },
    {
      name: 'json: merge a patch of three members',
      fn: () => {
        out.reset();
        mergePatch(flat, 0, flat.length, patch, 0, patch.length, out);
      },
    },
    {
      name: 'json: spliceId',
      fn: () => {
        out.reset();
        spliceId(withoutId, idlessScan, id, id.length, out);
      },
    },
  ];
}
