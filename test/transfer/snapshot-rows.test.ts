import test from 'ava';
import { RowSplitter } from '../../src/transfer/snapshot-rows.js';

test('rows are told apart however the stream is cut, also with ends of line inside of documents', (t) => {
  const documents = [
    '{"_id":"a\\"}","x":{"y":[{}]}}',
    '{"_id":"b","s":"}{\\\\","n":1}',
    '{"_id":"c", "pretty": {} }',
    '{"_id":"\\u00e9"}',
  ];
  const stream = Buffer.from(
    documents
      .map((text) => `{"d":${text}}\n`)
      .join('')
      .replace(', "pretty": {} ', ',\n"pretty":\r\n{}\n'),
  );
  for (let size = 1; size < 40; size++) {
    const splitter = new RowSplitter();
    const seen: string[] = [];
    const ids: string[] = [];
    for (let at = 0; at < stream.length; at += size) {
      for (const { document, id } of splitter.take(stream.subarray(at, at + size))) {
        seen.push(document.toString());
        ids.push(id());
      }
    }
    t.true(splitter.isAtEnd);
    t.deepEqual(ids, ['a"}', 'b', 'c', '\u00e9']);
    t.deepEqual(
      seen.map((text) => JSON.parse(text)),
      documents.map((text) => JSON.parse(text)),
    );
    t.true(seen.every((text) => !/[\r\n]/.test(text)));
  }
});

test('an error in the middle of the rows is thrown as what it is', (t) => {
  const splitter = new RowSplitter();
  const error = t.throws(() =>
    splitter.take(Buffer.from('{"d":{"_id":"a"}}\n{"error":{"code":"TIMEOUT","message":"time is over"}}\n')),
  );
  t.like(error, { code: 'TIMEOUT', message: 'time is over' });
  const half = new RowSplitter();
  half.take(Buffer.from('{"d":{"_id":'));
  t.false(half.isAtEnd);
});
