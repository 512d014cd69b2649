/** Expressions whose results PostgreSQL is asked for. One a line; `--` starts a comment. No clocks, no random numbers. */

const NUMBERS = `
1 + 2
7 / 2
-7 / 2
7 % 3
-7 % 3
7.5 % 2
2 ^ 10
2.5 ^ 2
10 - 3.5
4611686018427387904 + 4611686018427387903
9223372036854775807::int8 + 1::int8
9223372036854775807::int8 - 1::int8
3037000500::int8 * 3037000500::int8
3037000499::int8 * 3037000499::int8
9007199254740993::int8 + 2
9007199254740993::int8 * 3
(-9223372036854775807)::int8 / 2
1 / 0
1.5 / 0
1 % 0
7.0 / 2
10::float8 / 4
-(5)
- 9223372036854775807::int8
abs(-5)
abs(-5.5)
@ -3
|/ 16
||/ 27
5 & 3
5 | 3
5 # 3
~5
1::int8 << 10
1024::int8 >> 3
(-1)::int8 >> 3
ceil(1.2)
ceiling(-1.2)
floor(-1.2)
floor(1.9)
round(2.5)
round(-2.5)
round(2.5::float8)
round(3.5::float8)
round(2.675, 2)
round(1234.567, -2)
round(-1234.567, 1)
round(1.005, 2)
trunc(2.7)
trunc(-2.7)
trunc(2.789, 2)
trunc(1234.5, -2)
sign(-3.2)
sign(0.0)
sqrt(2)
sqrt(2.0)
sqrt(-1)
cbrt(27)
power(2, 10)
power(2.0, 0.5)
power(0, -1)
power(-2, 0.5)
power(-2, 3)
exp(1)
exp(1.0)
ln(2.0)
ln(0)
ln(-1)
log(100)
log(2.0, 64.0)
log10(1000)
mod(17, 5)
mod(-17, 5)
mod(5.5, 2)
div(17, 5)
div(-17, 5)
gcd(12, 18)
lcm(4, 6)
gcd(0, 5)
lcm(0, 5)
greatest(1, 2, 3)
greatest(1, 2.5)
greatest(1, NULL, 3)
least('b', 'a', 'c')
least(2, 1.5)
least(NULL, NULL)
pi()
degrees(pi())
radians(180)
sin(1)
cos(1)
tan(1)
asin(1)
asin(2)
acos(0.5)
atan(1)
atan2(1, 2)
sinh(1)
cot(1)
sind(30)
cosd(60)
tand(45)
width_bucket(5.35, 0.024, 10.06, 5)
width_bucket(35, 0, 100, 10)
width_bucket(-1, 0, 100, 10)
width_bucket(100, 0, 100, 10)
width_bucket(10, 100, 0, 10)
width_bucket(5, ARRAY[1, 3, 5, 7])
factorial(5)
factorial(20)
factorial(25)
scale(8.41)
1::text
1.5::text
true::text
false::text
't'::bool
'yes'::bool
'off'::bool
'maybe'::bool
'1'::bool
1::bool
0::bool
true::int
' 42 '::int
'4.5'::int8
'abc'::int8
''::int8
'9223372036854775808'::int8
'-9223372036854775808'::int8
'1e3'::numeric
'1e3'::float8
'Infinity'::float8
'-inf'::float8
'NaN'::float8
'nan'::numeric
'NaN'::float8 = 'NaN'::float8
'NaN'::float8 > 1
'abc'::numeric
'1.5x'::float8
2.5::int8
3.5::int8
-2.5::int8
2.5::float8::int8
3.5::float8::int8
'NaN'::float8::int8
1e300::float8::int8
123.456::numeric(5, 2)
123.456::numeric(6, 1)
1234.5::numeric(5, 2)
99.995::numeric(5, 2)
1.5 = 1.50
1 = 1.0
1 < 2.5
'abc' < 'abd'
'Z' < 'a'
'é' > 'z'
'abcdef'::varchar(3)
NULL + 1
1 < NULL
NULL = NULL
num_nulls(1, NULL, 2)
num_nonnulls(1, NULL, 2)
`;

const TEXTS = `
'a' || 'b'
'a' || 1
1 || 'a'
'a' || 1.5
'a' || true
'a' || NULL
'x' || current_date IS NULL
length('héllo')
char_length('日本語')
octet_length('日本語')
length('😀a')
bit_length('abc')
lower('ABC Ä')
upper('abc ä ß')
initcap('hello world-foo bar_baz 3rd')
initcap('ÉTÉ d''été')
trim('  x  ')
trim(both 'x' from 'xxaxx')
trim(leading 'xy' from 'xyxax')
trim(trailing from 'a  ')
btrim('xyxtrimyyx', 'xyz')
ltrim('zzzytest', 'xyz')
rtrim('testxxzx', 'xyz')
lpad('hi', 5, 'xy')
lpad('hello', 3)
lpad('hi', 5)
rpad('hi', 5, 'xy')
rpad('hi', -1)
lpad('hi', 5, '')
substring('Thomas' from 2 for 3)
substring('Thomas' from 3)
substring('Thomas' for 2)
substring('Thomas', -1, 4)
substring('Thomas', 2, -1)
substr('alphabet', 3, 2)
substr('alphabet', 0, 3)
substr('日本語', 2, 1)
substring('foobar' from 'o.b')
substring('foobar' from 'o(.)b')
substring('foobar' from 'z')
substring('foobar' similar '%#"o_b#"%' escape '#')
left('abcde', 2)
left('abcde', -2)
right('abcde', 2)
right('abcde', -2)
left('😀😀a', 1)
position('om' in 'Thomas')
strpos('high', 'ig')
position('' in 'abc')
position('z' in 'abc')
position('語' in '日本語')
replace('abcdefabcdef', 'cd', 'XX')
replace('abc', '', 'x')
replace('a$b', '$', '$&')
translate('12345', '143', 'ax')
translate('abc', 'aab', 'xyz')
repeat('Pg', 4)
repeat('x', 0)
repeat('x', -1)
reverse('abcde')
split_part('abc~@~def~@~ghi', '~@~', 2)
split_part('abc,def,ghi', ',', -1)
split_part('abc,def', ',', 5)
split_part('abc,def', ',', 0)
split_part('abc', '', 1)
concat('abcde', 2, NULL, 22)
concat(1, true, 1.5)
concat()
concat_ws(',', 'abcde', 2, NULL, 22)
concat_ws(NULL, 'a', 'b')
format('Hello %s, %1$s', 'World')
format('%I %L', 'Foo bar', 'O''Reilly')
format('%L', NULL)
format('%s|%10s|%-10s|', 'a', 'b', 'c')
format('%%')
format('%2$s %1$s', 'a', 'b')
format('%*s', 5, 'x')
format('%s')
format('%q', 1)
format('%s', true)
md5('abc')
chr(65)
chr(8364)
chr(0)
ascii('x')
ascii('€')
ascii('')
to_hex(255)
to_hex(-1::int8)
starts_with('alphabet', 'alph')
'alphabet' ^@ 'alp'
overlay('Txxxxas' placing 'hom' from 2 for 4)
overlay('abcdef' placing 'ZZ' from 3)
quote_ident('foo')
quote_ident('Foo bar')
quote_ident('select')
quote_literal('O''Reilly')
quote_literal('a\\b')
quote_literal(42)
quote_nullable(NULL)
encode('abc'::bytea, 'hex')
string_to_array('a,b,c', ',')
string_to_array('abc', NULL)
string_to_array('a,b,', ',')
string_to_array('', ',')
string_to_array('a,x,c', ',', 'x')
string_to_array('abc', '')
array_to_string(ARRAY[1, 2, NULL, 3], ',')
array_to_string(ARRAY[1, 2, NULL, 3], ',', '*')
array_to_string(ARRAY['a', 'b'], '')
array_to_string(ARRAY[true, false], ' ')
'abc' LIKE 'abc'
'abc' LIKE 'a%'
'abc' LIKE '_b_'
'abc' LIKE 'c'
'abc' LIKE '%b%'
'abc' LIKE '%c'
'abc' LIKE '%bc%d'
'a%c' LIKE 'a\\%c'
'abc' LIKE 'a\\%c'
'a%c' LIKE 'a!%c' ESCAPE '!'
'a\\c' LIKE 'a\\c' ESCAPE ''
'abc' LIKE 'abc\\'
'abc' NOT LIKE 'a%'
'ABC' ILIKE 'a%c'
'ABC' NOT ILIKE 'abc'
'aXbXc' LIKE 'a%X_'
'日本語' LIKE '_本_'
'' LIKE '%'
'' LIKE ''
'abc' LIKE NULL
'a' || chr(10) || 'b' LIKE 'a%b'
'abc' SIMILAR TO 'abc'
'abc' SIMILAR TO 'a'
'abc' SIMILAR TO '%(b|d)%'
'abc' SIMILAR TO '(b|c)%'
'abc' SIMILAR TO 'a[a-c]c'
'a.c' SIMILAR TO 'a.c'
'abc' SIMILAR TO 'a.c'
'aaa' SIMILAR TO 'a{3}'
'abc' ~ 'b'
'abc' ~ '^b'
'abc' ~ '^(a|b)'
'ABC' ~* 'b'
'abc' !~ 'z'
'abc' !~* 'B'
'foo bar' ~ '\\mbar\\M'
'foobar' ~ '\\mbar'
'foo bar' ~ '\\yfoo\\y'
'a1b2' ~ '^[[:alpha:]][[:digit:]]'
'abc' ~ '[^]a]'
'a]c' ~ '[]]'
'a-c' ~ '[a\\-]'
'a' || chr(10) || 'b' ~ 'a.b'
'a' || chr(10) || 'b' ~ '^b'
'a' || chr(10) || 'b' ~ '(?n)^b'
'abc' ~ '(?i)ABC'
'abc' ~ 'a('
'abc' ~ 'a)'
'abc' ~ '*a'
'abc' ~ 'a{2'
'aa' ~ '^a{2}$'
'abab' ~ '^(ab)\\1$'
'abc' ~ 'a(?=b)'
'abc' ~ 'a(?!b)'
'x.y' ~ 'x\\.y'
'a/b' ~ 'a/b'
'tab' || chr(9) ~ '\\t'
'abc' ~ '\\Aabc\\Z'
'abc' ~ '[[:foo:]]'
'***' ~ '***=***'
'a b' ~ '(?x) a \\s b # comment'
regexp_replace('Thomas', '.[mN]a.', 'M')
regexp_replace('foobarbaz', 'b..', 'X')
regexp_replace('foobarbaz', 'b..', 'X', 'g')
regexp_replace('foobarbaz', 'b(..)', 'X\\1Y', 'g')
regexp_replace('abc', '(b)', '[\\&]')
regexp_replace('abc', 'b', '\\\\')
regexp_replace('Hello', 'L', 'x', 'gi')
regexp_replace('a.b.c', '\\.', '$1', 'g')
regexp_replace('aaa', 'a', 'b', 2)
regexp_replace('aaaa', 'a', 'b', 1, 3)
regexp_replace('abc', 'x*', '-', 'g')
regexp_match('foobarbequebaz', 'bar.*que')
regexp_match('foobarbequebaz', '(bar)(beque)')
regexp_match('abc', 'd')
regexp_match('ABC', 'b', 'i')
regexp_match('abc', '(x)?b')
regexp_split_to_array('hello world  foo', '\\s+')
regexp_split_to_array('abc', '')
regexp_split_to_array('a,b,', ',')
regexp_count('abcabc', 'b')
regexp_count('abcABC', 'b', 1, 'i')
regexp_like('abc', 'B', 'i')
regexp_substr('foobar', 'o+')
regexp_instr('foobar', 'b')
`;

const TIMES = `
'2024-01-15T10:30:00Z'::timestamptz
'2024-01-15 10:30:00.123456+05:30'::timestamptz
'2024-01-15 10:30:00 PST'::timestamptz
'2024-07-15 10:30:00 America/New_York'::timestamptz
'2024-01-15'::timestamptz
'2024-01-15 10:30'::timestamp
'2024-01-15T10:30:00Z'::timestamp
'20240115T103000'::timestamp
'20240115 103000'::timestamp
'Jan 15, 2024'::date
'January 15 2024 10:30 PM'::timestamp
'15 Jan 2024'::date
'15-Jan-2024'::date
'2024-Jan-15'::date
'1/15/2024'::date
'1/15/99'::date
'2024.015'::date
'J2451187'::date
'Mon Jan 15 10:30:00 2024'::timestamp
'0044-03-15 BC'::date
'2024-02-30'::date
'2024-13-01'::date
'2024-01-15 25:00:00'::timestamp
'2024-01-15 24:00:00'::timestamp
'hello'::date
''::timestamp
'infinity'::timestamp
'-infinity'::date
'epoch'::timestamptz
'epoch'::date
'04:05'::time
'04:05:06.789'::time
'040506'::time
'04:05 PM'::time
'12:30 AM'::time
'24:00'::time
'25:00'::time
'allballs'::time
'2024-01-15 10:30:00.987654'::timestamp(3)
'2024-01-15 10:30:00.5'::timestamp(0)
'2024-01-15 10:30:00'::timestamp::date
'2024-01-15 10:30:00'::timestamp::time
'2024-01-15'::date::timestamp
'2024-01-15'::date::timestamptz
'10:30'::time::interval
'26 hours'::interval::time
'1 day'::interval
'1 year 2 months 3 days'::interval
'1 day 02:03:04'::interval
'-1 day +02:03:04'::interval
'1 day ago'::interval
'1-2'::interval
'1 2:03:04'::interval
'P1Y2M3DT4H5M6.7S'::interval
'P0001-02-03T04:05:06'::interval
'PT36H'::interval
'1.5 days'::interval
'1.5 months'::interval
'1.5 years'::interval
'2 weeks'::interval
'1.5 hours'::interval
'90 minutes'::interval
'100 ms'::interval
'5'::interval
'1:30'::interval
'0.000001 seconds'::interval
'1 century'::interval
'@ 1 minute'::interval
'1 fortnight'::interval
'abc'::interval
'1 mon -1 day'::interval
'-1 mon 1 day -01:00'::interval
'1 year -1 day 00:00:01'::interval
INTERVAL '5' DAY
INTERVAL '1 day 2 hours' HOUR
INTERVAL '90' MINUTE
INTERVAL '2' YEAR
INTERVAL '1 day 02:03:04.567' DAY TO MINUTE
INTERVAL '1:02' MINUTE TO SECOND
'1 day'::interval = '24 hours'::interval
'1 month'::interval = '30 days'::interval
'1 month'::interval > '29 days'::interval
'2024-01-31'::timestamp + '1 month'::interval
'2024-03-31'::date - '1 month'::interval
'2024-01-15 10:00'::timestamptz + '1 day 2 hours'::interval
'2024-02-29'::date + '1 year'::interval
'2024-01-15'::date + 5
5 + '2024-01-15'::date
'2024-01-15'::date - 5
'2024-01-15'::date - '2024-01-01'::date
'2024-01-15'::date + '10:30'::time
'2024-01-15 10:00'::timestamp - '2024-01-14 09:00'::timestamp
'2024-01-01'::timestamp - '2024-03-01 12:00'::timestamp
'2024-01-15 10:00+00'::timestamptz - '2024-01-14'
'10:30'::time + '14 hours'::interval
'10:30'::time - '11 hours'::interval
'10:30'::time - '08:15'::time
'1 day'::interval + '2 hours'::interval
'1 day'::interval - '2 hours'::interval
- '1 day 2 hours'::interval
'1 day'::interval * 2
'1 day'::interval * 1.5
'1 month'::interval * 1.5
2.5 * '1 hour'::interval
'1 day'::interval / 2
'1 month'::interval / 4
'1 year'::interval / 3
'1 day'::interval / 0
'2024-01-15 10:00'::timestamp > '2024-01-15'::date
'2024-01-15'::date = '2024-01-15 00:00+00'::timestamptz
date_trunc('hour', '2024-02-16 20:38:40.123'::timestamp)
date_trunc('day', '2024-02-16 20:38:40'::timestamptz)
date_trunc('week', '2024-02-16'::date)
date_trunc('month', '2024-02-16 20:38:40'::timestamp)
date_trunc('quarter', '2024-05-16 20:38:40'::timestamp)
date_trunc('year', '2024-02-16 20:38:40'::timestamp)
date_trunc('decade', '2024-02-16'::timestamp)
date_trunc('century', '2024-02-16'::timestamp)
date_trunc('millennium', '2024-02-16'::timestamp)
date_trunc('milliseconds', '2024-02-16 20:38:40.123456'::timestamp)
date_trunc('second', '1969-12-31 23:59:59.5'::timestamp)
date_trunc('foo', '2024-02-16'::timestamp)
date_trunc('hour', '3 days 02:47:33'::interval)
date_trunc('month', '1 year 2 months 5 days'::interval)
date_trunc('day', '2024-02-16 20:38:40+00'::timestamptz, 'America/New_York')
date_trunc('day', '2024-02-16 20:38:40+00'::timestamptz, 'UTC')
${[
  'century',
  'day',
  'decade',
  'dow',
  'doy',
  'epoch',
  'hour',
  'isodow',
  'isoyear',
  'julian',
  'microseconds',
  'millennium',
  'milliseconds',
  'minute',
  'month',
  'quarter',
  'second',
  'week',
  'year',
  'timezone',
  'foo',
]
  .flatMap((field) => [
    `extract(${field} from '2024-02-16 20:38:40.12'::timestamp)`,
    `extract(${field} from '2000-12-31 23:59:59.999999+00'::timestamptz)`,
    `extract(${field} from '2021-01-03'::date)`,
    `extract(${field} from '-2 years -3 months 40 days 25:51:01.5'::interval)`,
    `extract(${field} from '20:38:40.5'::time)`,
  ])
  .join('\n')}
extract(year from '0044-03-15 BC'::date)
extract(century from '0001-01-01 BC'::date)
extract(epoch from 'infinity'::timestamp)
extract(day from 'infinity'::timestamp)
date_part('year', '2024-02-16'::date)
date_part('hour', '4 hours 3 minutes'::interval)
age('2024-04-10'::timestamp, '1957-06-13'::timestamp)
age('2024-01-01'::timestamp, '2024-03-15 12:00'::timestamp)
age('2024-03-31'::timestamp, '2024-02-29'::timestamp)
age('2024-03-01 01:00'::timestamptz, '2024-02-28 02:00'::timestamptz)
age('2023-02-28'::timestamp, '2023-03-31'::timestamp)
age('2024-01-31'::date, '2023-12-31'::date)
to_char('2024-02-06 20:08:04.123456'::timestamp, 'YYYY-MM-DD HH24:MI:SS.US')
to_char('2024-02-06 20:08:04.123456'::timestamp, 'Day, DD Month YYYY HH12:MI:SS AM')
to_char('2024-02-06 20:08:04.123456'::timestamp, 'FMDay, FMDD FMMonth YYYY FMHH12:MI:SS pm')
to_char('2024-02-06 00:08:04'::timestamp, 'HH:MI a.m. DY dy Dy MON mon Mon')
to_char('2024-02-06'::timestamp, 'DDD D ID W WW IW IYYY Q CC J')
to_char('2024-12-30'::timestamp, 'IYYY-IW-ID IDDD')
to_char('2024-02-06'::timestamp, 'DDth Month, YYYY "at" HH24"h"')
to_char('2024-02-01'::timestamp, 'FMDDth DDTH')
to_char('2024-02-06'::timestamp, 'Y,YYY YYY YY Y RM rm FMRM')
to_char('2024-02-06 20:08:04.12'::timestamp, 'MS US FF1 FF3 SSSS SSSSS')
to_char('2024-02-06 20:08:04+00'::timestamptz, 'TZ tz OF TZH:TZM')
to_char('0044-03-15 BC'::timestamp, 'YYYY AD bc B.C.')
to_char('2024-02-06'::date, 'YYYYMMDD')
to_char('15h 2m 12s'::interval, 'HH24:MI:SS')
to_char('3 days 26:02:12'::interval, 'DD HH24:MI:SS')
to_char('-1 day -02:03:04'::interval, 'DD HH24:MI:SS')
to_char(125, '999')
to_char(-125, '999')
to_char(125.8, '999D9')
to_char(-125.8, '999D99S')
to_char(125.8, '999.99')
to_char(0.1, '9.99')
to_char(0.1, '0.99')
to_char(-0.1, '99.99')
to_char(0, '999')
to_char(0.1, 'FM9.99')
to_char(0, '9.9')
to_char(12345.678, '99,999.99')
to_char(1485, '9,999')
to_char(485, '9,999')
to_char(1234567, '9,999,999')
to_char(12345, '999')
to_char(12, '0000')
to_char(12, 'FM0000')
to_char(12, '9990999.9')
to_char(12, 'FM9990999.9')
to_char(485, '999MI')
to_char(-485, '999MI')
to_char(485, 'FM999MI')
to_char(485, 'PL999')
to_char(-485, 'PL999')
to_char(485, 'SG999')
to_char(-485, 'SG999')
to_char(-485, '9SG99')
to_char(-485, '999PR')
to_char(485, '999PR')
to_char(485, 'L999')
to_char(485, 'RN')
to_char(485, 'FMRN')
to_char(5.2, 'FMRN')
to_char(482, '999th')
to_char(485, '"Good number:"999')
to_char(485.8, '"Pre:"999" Post:" .999')
to_char(12, '99V999')
to_char(12.4, '99V999')
to_char(12.45, '99V9')
to_char(0.0004859, '9.99EEEE')
to_char(1234.5, '9.99EEEE')
to_char(-1234.5, '9.99EEEE')
to_char(148.5, '999.999')
to_char(148.5, 'FM999.999')
to_char(148.5, 'FM999.990')
to_char(148.5, '999D999')
to_char(3148.5, '9G999D999')
to_char(-485, 'S999')
to_char(485, 'S999')
to_char(485, '999S')
to_char(1, '9 9 9')
to_char(485, '9 9 9')
to_timestamp('05 Dec 2000', 'DD Mon YYYY')
to_timestamp('2024-02-06 20:08:04', 'YYYY-MM-DD HH24:MI:SS')
to_timestamp('2024-02-06 08:08 PM', 'YYYY-MM-DD HH12:MI PM')
to_timestamp('20240206200804', 'YYYYMMDDHH24MISS')
to_timestamp('2024-02-06 20:08:04.123', 'YYYY-MM-DD HH24:MI:SS.MS')
to_timestamp('6 February 2024', 'DD Month YYYY')
to_timestamp('2024-13-06', 'YYYY-MM-DD')
to_timestamp(1284352323)
to_timestamp(1284352323.5)
to_timestamp(0)
to_date('05 Dec 2000', 'DD Mon YYYY')
to_date('20240206', 'YYYYMMDD')
to_date('06/02/24', 'DD/MM/YY')
to_date('2024-037', 'YYYY-DDD')
to_date('2024-02-30', 'YYYY-MM-DD')
to_number('12,454.8-', '99G999D9S')
to_number('1234.56', '9999.99')
to_number('-12', 'S99')
to_number('$1,234.5', 'L9,999.9')
make_date(2024, 2, 29)
make_date(2023, 2, 29)
make_date(-44, 3, 15)
make_time(8, 15, 23.5)
make_timestamp(2024, 7, 15, 8, 15, 23.5)
make_interval(1, 2, 3, 4, 5, 6, 7.5)
make_interval()
make_interval(0, 14)
justify_days('35 days'::interval)
justify_hours('27 hours'::interval)
justify_interval('1 mon -1 hour'::interval)
justify_interval('-1 mon 1 hour'::interval)
justify_interval('400 days 50 hours'::interval)
date_bin('15 minutes', '2020-02-11 15:44:17'::timestamp, '2001-01-01'::timestamp)
date_bin('1 day', '2020-02-11 15:44:17+00'::timestamptz, '2020-02-12'::timestamptz)
date_bin('1 month', '2020-02-11'::timestamp, '2001-01-01'::timestamp)
('2024-02-16'::date, '2024-12-21'::date) OVERLAPS ('2024-10-30'::date, '2025-10-30'::date)
('2024-02-16'::date, '100 days'::interval) OVERLAPS ('2024-10-30'::date, '2025-10-30'::date)
('2024-01-01'::date, '2024-01-02'::date) OVERLAPS ('2024-01-02'::date, '2024-01-03'::date)
'2024-02-16 20:38:40'::timestamp AT TIME ZONE 'America/Denver'
'2024-07-16 20:38:40'::timestamp AT TIME ZONE 'Europe/Berlin'
'2024-02-16 20:38:40-05'::timestamptz AT TIME ZONE 'America/Denver'
'2024-02-16 20:38:40+00'::timestamptz AT TIME ZONE 'UTC'
'2024-02-16 20:38:40+00'::timestamptz AT TIME ZONE '+05'
'2024-02-16 20:38:40+00'::timestamptz AT TIME ZONE INTERVAL '-08:00'
'2024-02-16 20:38:40+00'::timestamptz AT TIME ZONE 'Nowhere/City'
'2024-03-10 02:30'::timestamp AT TIME ZONE 'America/New_York'
'2024-11-03 01:30'::timestamp AT TIME ZONE 'America/New_York'
isfinite('infinity'::timestamp)
isfinite('2024-01-01'::date)
'1999-12-31 23:59:59.9999999'::timestamp
'294277-01-01'::timestamp
`;

const DATA = `
'{"b": 1, "a": {"c": [1, 2, {"d": null}]}}'::jsonb
'[1, "x", true, null]'::jsonb
'{"a":1,"a":2}'::jsonb
'{bad'::jsonb
'"str"'::jsonb
'{"a": 12345678901234567890}'::jsonb
'{"a": {"b": 2}}'::jsonb -> 'a'
'{"a": {"b": 2}}'::jsonb -> 'a' -> 'b'
'{"a": {"b": 2}}'::jsonb ->> 'a'
'{"a": "x"}'::jsonb ->> 'a'
'{"a": true}'::jsonb ->> 'a'
'{"a": null}'::jsonb ->> 'a'
'{"a": 1}'::jsonb -> 'z'
'[10, 20, 30]'::jsonb -> 1
'[10, 20, 30]'::jsonb -> -1
'[10, 20, 30]'::jsonb ->> 5
'{"a": {"b": [1, 2]}}'::jsonb #> '{a,b}'
'{"a": {"b": [1, 2]}}'::jsonb #>> '{a,b,1}'
'{"a": {"b": [1, 2]}}'::jsonb #>> '{a,x}'
'{"a": 1, "b": 2}'::jsonb @> '{"b": 2}'
'{"a": [1, 2, 3]}'::jsonb @> '{"a": [3, 1]}'
'[1, 2]'::jsonb @> '1'
'[[1]]'::jsonb @> '1'
'{"a": 1}'::jsonb <@ '{"a": 1, "b": 2}'
'{"a": {"b": 1}}'::jsonb @> '{"a": {}}'
'[]'::jsonb @> '[]'
'{"a": 1}'::jsonb ? 'a'
'["a", "b"]'::jsonb ? 'b'
'"a"'::jsonb ? 'a'
'{"a": 1}'::jsonb ?| ARRAY['x', 'a']
'{"a": 1}'::jsonb ?& ARRAY['x', 'a']
'{"a": 1}'::jsonb || '{"b": 2}'
'{"a": 1}'::jsonb || '{"a": 2}'
'[1]'::jsonb || '[2]'
'[1]'::jsonb || '2'
'{"a": 1}'::jsonb || '[2]'
'{"a": 1, "b": 2}'::jsonb - 'a'
'["a", "b", "a"]'::jsonb - 'a'
'[1, 2, 3]'::jsonb - 1
'[1, 2, 3]'::jsonb - (-1)
'{"a": 1, "b": 2, "c": 3}'::jsonb - ARRAY['a', 'c']
'1'::jsonb - 'a'
'{"a": {"b": 1, "c": 2}}'::jsonb #- '{a,b}'
'[1, [2, 3]]'::jsonb #- '{1,0}'
jsonb_typeof('[1]')
jsonb_typeof('{}')
jsonb_typeof('1')
jsonb_typeof('"x"')
jsonb_typeof('true')
jsonb_array_length('[1, 2, 3]')
jsonb_array_length('{}')
jsonb_extract_path('{"a": {"b": 2}}', 'a', 'b')
jsonb_extract_path_text('{"a": {"b": "x"}}', 'a', 'b')
jsonb_build_object('a', 1, 'b', true, 'c', 'text', 'd', NULL)
jsonb_build_object('a')
jsonb_build_array(1, 'a', NULL, 1.5, true)
jsonb_build_object('t', '2024-01-15'::date, 'arr', ARRAY[1, 2])
to_jsonb(ARRAY['a', 'b'])
to_jsonb(1.5)
jsonb_object('{a, 1, b, 2}')
jsonb_object('{a, b}', '{1, 2}')
jsonb_set('{"a": {"b": 1}}', '{a,b}', '2')
jsonb_set('{"a": 1}', '{z}', '2')
jsonb_set('{"a": 1}', '{z}', '2', false)
jsonb_set('[1, 2, 3]', '{1}', '"x"')
jsonb_set('[1, 2, 3]', '{-1}', '"x"')
jsonb_set('[1, 2, 3]', '{10}', '"x"')
jsonb_set('{"a": {"b": 1}}', '{a,c,d}', '2')
jsonb_insert('{"a": [0, 1, 2]}', '{a,1}', '"new"')
jsonb_insert('{"a": [0, 1, 2]}', '{a,1}', '"new"', true)
jsonb_insert('{"a": 1}', '{a}', '2')
jsonb_strip_nulls('{"a": null, "b": {"c": null, "d": [null]}}')
jsonb_pretty('{"b": [1, {"c": 2}], "a": "x"}')
jsonb_pretty('[]')
'{"a": 1}'::jsonb = '{"a": 1.0}'::jsonb
'{"a": 1, "b": 2}'::jsonb = '{"b": 2, "a": 1}'::jsonb
'[1, 2]'::jsonb < '[1, 3]'::jsonb
'[1, 2]'::jsonb < '[5]'::jsonb
'{"a": 2}'::jsonb > '{"a": 1}'::jsonb
'{}'::jsonb > '[]'::jsonb
('{"n": 42}'::jsonb ->> 'n')::int + 1
('{"n": 42}'::jsonb -> 'n')::int + 1
('{"s": "x"}'::jsonb -> 's')::text
'{1,2,3}'::int[]
'{a,"b c",NULL,"NULL",""}'::text[]
'{{1,2},{3,4}}'::int[]
'{}'::text[]
'{1,2'::int[]
'{1,x}'::int[]
'{"a\\\\b","c\\"d"}'::text[]
ARRAY[1, 2, 3]
ARRAY[1, 2.5]
ARRAY['a', NULL, 'b c']
ARRAY[[1, 2], [3, 4]]
ARRAY[true, false]
ARRAY['2024-01-15'::date]
array_length(ARRAY[1, 2, 3], 1)
array_length(ARRAY[[1, 2], [3, 4]], 2)
array_length('{}'::int[], 1)
array_length(ARRAY[1], 2)
array_upper(ARRAY[1, 2], 1)
array_lower(ARRAY[1, 2], 1)
array_ndims(ARRAY[[1, 2], [3, 4]])
array_dims(ARRAY[[1, 2], [3, 4]])
cardinality(ARRAY[[1, 2], [3, 4]])
cardinality('{}'::int[])
array_append(ARRAY[1, 2], 3)
array_append(ARRAY['a'], 'b')
array_append(NULL::int[], 3)
array_prepend(1, ARRAY[2, 3])
array_cat(ARRAY[1, 2], ARRAY[3])
array_position(ARRAY['a', 'b', 'c'], 'b')
array_position(ARRAY['a', 'b', 'c'], 'z')
array_position(ARRAY[1, 2, 1, 2], 2, 3)
array_positions(ARRAY['a', 'b', 'a'], 'a')
array_remove(ARRAY[1, 2, 1], 1)
array_replace(ARRAY[1, 2, 1], 1, 9)
array_fill(7, ARRAY[3])
trim_array(ARRAY[1, 2, 3], 2)
ARRAY[1, 2] || ARRAY[3, 4]
ARRAY[1, 2] || 3
0 || ARRAY[1, 2]
ARRAY[1, 2] || '{3}'
ARRAY[1, 2, 3] @> ARRAY[2]
ARRAY[1, 2, 3] @> ARRAY[2, 4]
ARRAY[2] <@ ARRAY[1, 2]
ARRAY[1, 2] && ARRAY[2, 3]
ARRAY[1, 2] && ARRAY[4]
ARRAY[1, NULL] @> ARRAY[NULL]::int[]
ARRAY[1, 2] = ARRAY[1, 2]
ARRAY[1, 2] < ARRAY[1, 3]
ARRAY[1, 2] < ARRAY[1, 2, 3]
ARRAY['a'] = ARRAY['b']
ROW(1, 'a', NULL)
ROW(1, 2) = ROW(1, 2)
ROW(1, 'x y', true)
`;

const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('--') && !line.includes('::bytea'));

export const EXPRESSIONS: readonly string[] = [NUMBERS, TEXTS, TIMES, DATA].flatMap(lines);
