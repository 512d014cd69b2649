import test from 'ava';
import { documentOfMembers, documentOfValue, editDocument } from '../../../src/sql/execute/document-text.js';
import { Json, Timestamp } from '../../../src/sql/types/values.js';

const generated = (): string => 'generated';

test('an inserted document has its _id first and its members in order', (t) => {
  const members = [['name'], ['address', 'city'], ['_id'], ['address', 'zip'], ['at']];
  const values = ['A', 'Bonn', 'x"1', null, new Timestamp(0, true)];
  t.deepEqual(documentOfMembers(members, values, generated), {
    id: 'x"1',
    text: '{"_id":"x\\"1","name":"A","address":{"city":"Bonn","zip":null},"at":"1970-01-01T00:00:00.000Z"}',
  });
  t.deepEqual(documentOfMembers([['n']], [12345678901234567890n], generated), {
    id: 'generated',
    text: '{"_id":"generated","n":12345678901234567890}',
  });
  t.throws(() => documentOfMembers([['_id']], [null], generated), { message: /not-null/ });
});

test('a whole document gets an _id only when it has none', (t) => {
  t.is(documentOfValue(new Json('{"a":1}'), generated).text, '{"_id":"generated","a":1}');
  t.is(documentOfValue(new Json(' { } '), generated).text.trim(), '{"_id":"generated" }');
  t.deepEqual(documentOfValue(new Json('{"a":1,"_id":"q"}'), generated), {
    id: 'q',
    text: '{"a":1,"_id":"q"}',
  });
  t.throws(() => documentOfValue(new Json('[1]'), generated), { message: /object/ });
  t.throws(() => documentOfValue('text', generated), { message: /object/ });
});

test('an update keeps the text of what it does not touch', (t) => {
  const text =
    '{ "_id":"1", "price": 1.50, "big":12345678901234567890, "in" : {"a":1.0,"b":[1, 2]}, "gone":1, "nothing":null }';
  const changes = [
    { path: ['in', 'b'], value: 'new' },
    { path: ['in', 'c', 'd'], value: 3 },
    { path: ['gone'], value: undefined },
    { path: ['nothing', 'x'], value: true },
    { path: ['added'], value: null },
    { path: ['absent'], value: undefined },
  ];
  t.is(
    editDocument(text, changes),
    '{"_id":"1","price":1.50,"big":12345678901234567890,"in":{"a":1.0,"b":"new","c":{"d":3}},"nothing":{"x":true},"added":null}',
  );
});

test('an update neither changes the _id nor loses a value that is no object', (t) => {
  t.throws(() => editDocument('{"_id":"1"}', [{ path: ['_id'], value: '2' }]), { message: /_id/ });
  t.throws(() => editDocument('{"_id":"1","a":5}', [{ path: ['a', 'b'], value: 1 }]), {
    message: /not an object/,
  });
  t.throws(
    () =>
      editDocument('{"_id":"1"}', [
        { path: ['a'], value: 1 },
        { path: ['a', 'b'], value: 1 },
      ]),
    { message: /more than once/ },
  );
});
