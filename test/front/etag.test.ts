import test from 'ava';
import { etagOf, matchesEtag, parseCondition, parseEtag } from '../../src/front/etag.js';
import { ConditionKind } from '../../src/generated/lumadb/schema/condition-kind.js';

test('an ETag is a seqno in quotes, and nothing else is', (t) => {
  for (const seqno of [0, 1, 42, Number.MAX_SAFE_INTEGER]) t.is(parseEtag(etagOf(seqno)), seqno);
  for (const text of ['', '7', '""', '"a"', '"-1"', '"1.5"', '"9007199254740993"', 'W/"1"', '"1" '])
    t.is(parseEtag(text), undefined, text);
});

test('If-Match and If-None-Match are conditions of a write, one at a time', (t) => {
  t.like(parseCondition('', ''), { kind: ConditionKind.None });
  t.like(parseCondition('"7"', ''), { kind: ConditionKind.IfMatchSeqno, expectedSeqno: 7 });
  t.like(parseCondition('*', ''), { kind: ConditionKind.IfPresent });
  t.like(parseCondition('', '*'), { kind: ConditionKind.IfAbsent });
  for (const [match, noneMatch] of [
    ['"7"', '*'],
    ['', '"7"'],
    ['7', ''],
    ['"7", "8"', ''],
  ])
    t.like(parseCondition(match, noneMatch), { code: 'VALIDATION' }, `${match} ${noneMatch}`);
});

test('If-None-Match of a read is a list, of which weak tags count', (t) => {
  t.true(matchesEtag('"7"', 7));
  t.true(matchesEtag('"6", W/"7"', 7));
  t.true(matchesEtag('*', 7));
  t.false(matchesEtag('"70"', 7));
  t.false(matchesEtag('7', 7));
});
