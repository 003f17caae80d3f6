import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createMemberCollector } from '../src/collect-members.js';
import { createJsonScanner } from '../src/json-scanner.js';
import { type ReadStdinOptions, readStdin, type StdinReading } from '../src/read-stdin.js';
import { fromStream } from '../src/stdin-source.js';

const endOf = (text: string): number | undefined => createJsonScanner().push(Buffer.from(text));

describe('the scanner', () => {
  test.each([
    ['{}', 2],
    ['  {"a":1}  ', 9],
    ['\uFEFF{}', 5],
    ['{"a":"}"}', 9],
    ['{"a":"\\"}"}{}', 11],
    ['{"a":"\\\\"}', 10],
    ['[[],{}]{', 7],
    ['"text" {}', 6],
    ['{"ä":"€"}', 12],
  ])('%s ends at %i', (text, end) => {
    expect(endOf(text)).toBe(end);
  });

  test.each(['', '  ', '{', '{"a":"}', '[{}', '"open', '12', 'true', 'hello {}', '{"a":"\\"}'])(
    '%s has no end',
    (text) => {
      expect(endOf(text)).toBeUndefined();
    },
  );

  test('finds the same end whatever the chunks', () => {
    const bytes = Buffer.from('\uFEFF {"a":"x\\\\\\"}{","b":[{"c":"€"}]} {"second":1}');
    const whole = createJsonScanner().push(bytes);
    const scanner = createJsonScanner();
    const ends = [...bytes].map((_, index) => scanner.push(bytes.subarray(index, index + 1)) ?? 0);
    expect(whole).toBe(ends.findIndex((end) => end > 0) + 1);
    expect(JSON.parse(bytes.subarray(3, whole).toString())).toEqual({ a: 'x\\"}{', b: [{ c: '€' }] });
  });
});

test('the collector keeps small members whole and cuts large ones, in whatever chunks they come', () => {
  const large = 'y'.repeat(100_000);
  const text = JSON.stringify({
    session_id: 's,{}',
    nested: { session_id: 'inner' },
    large,
    list: [1, 2],
    tool_use_id: 't',
  });
  for (const size of [1, 7, 65_536, text.length]) {
    const collector = createMemberCollector();
    const bytes = Buffer.from(text);
    for (let from = 0; from < bytes.length; from += size) collector.push(bytes.subarray(from, from + size));
    const { large: cut, ...rest } = collector.members();
    expect(rest).toEqual({ session_id: 's,{}', nested: { session_id: 'inner' }, list: [1, 2], tool_use_id: 't' });
    expect(cut).toMatch(/^"y{60000,65535}$/);
  }
});

test('the collector is bounded however many members there are', () => {
  const members = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`m${index}`, 'z'.repeat(50_000)]));
  const collector = createMemberCollector();
  collector.push(Buffer.from(JSON.stringify(members)));
  expect(JSON.stringify(collector.members()).length).toBeLessThan(1_100_000);
  expect(Object.keys(collector.members()).length).toBeGreaterThan(10);
});

const feed = (...chunks: (string | Buffer)[]): PassThrough => {
  const stream = new PassThrough();
  for (const chunk of chunks) stream.write(chunk);
  return stream;
};

const read = (stream: PassThrough, options: ReadStdinOptions): Promise<StdinReading> =>
  readStdin(fromStream(stream), options);

/** No timer decides these tests, unless it is the subject. */
const PATIENT = { deadlineMs: 60_000 };

describe('reading', () => {
  test('never waits for the end once a value is complete (field failure 76)', async () => {
    expect(await read(feed('{"a":', '1}'), PATIENT)).toEqual({
      status: 'complete',
      payload: { a: 1 },
      text: '{"a":1}',
    });
  });

  test('takes the first of two documents', async () => {
    expect(await read(feed('{"a":1}\n{"b":2}'), PATIENT)).toMatchObject({ payload: { a: 1 }, text: '{"a":1}' });
  });

  test('strips a byte order mark, also one that comes in pieces (field failure 76)', async () => {
    const bytes = Buffer.from('\uFEFF{"a":1}');
    const pieces = [...bytes].map((_, index) => bytes.subarray(index, index + 1));
    expect(await read(feed(...pieces), PATIENT)).toMatchObject({ status: 'complete', payload: { a: 1 } });
  });

  test('takes a number, which only the end of the stream completes', async () => {
    const stream = feed('42');
    stream.end();
    expect(await read(stream, PATIENT)).toMatchObject({ status: 'complete', payload: 42 });
  });

  test('survives invalid UTF-8', async () => {
    const stream = feed(Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]));
    expect(await read(stream, PATIENT)).toMatchObject({ payload: { a: '\uFFFD\uFFFD' } });
  });

  test('gives up on a stream that nobody closes, and says what it had (field failure 76)', async () => {
    const reading = await read(feed('{"session_id":"s","x":"unfini'), { deadlineMs: 5 });
    expect(reading).toMatchObject({ status: 'broken', ending: 'deadline', payload: { session_id: 's' } });
  });

  test('gives up on a stream that trickles for ever', async () => {
    const stream = feed('{"a":"');
    const trickle = setInterval(() => stream.write('x'), 1);
    try {
      const reading = await read(stream, { deadlineMs: 50 });
      expect(reading).toMatchObject({ status: 'broken', ending: 'deadline' });
    } finally {
      clearInterval(trickle);
    }
  });

  test('knows nothing but blanks for nothing, whether it ends or not', async () => {
    const ended = feed('');
    ended.end('\uFEFF \n');
    expect(await read(ended, PATIENT)).toEqual({ status: 'broken', ending: 'end', payload: {}, text: '' });
    expect(await read(feed(' '), { deadlineMs: 5 })).toEqual({
      status: 'broken',
      ending: 'deadline',
      payload: {},
      text: '',
    });
  });

  test('an error of the stream is the end of it', async () => {
    const stream = feed('{');
    const reading = read(stream, PATIENT);
    stream.destroy(new Error('EIO'));
    expect(await reading).toMatchObject({ ending: 'error' });
  });

  test('input that arrived while this process stood still counts, although the timer is due first', async () => {
    const stream = new PassThrough();
    const reading = read(stream, { deadlineMs: 20 });
    stream.write('{');
    // The poll of this loop turn comes before the timers of the next: the time is up by then, the input is there.
    setImmediate(() => {
      const end = performance.now() + 40;
      while (performance.now() < end);
      setImmediate(() => stream.write('"a":1}'));
    });
    expect(await reading).toMatchObject({ status: 'complete' });
  });

  test('cuts what is too large, reads on to its end, and still finds the ids behind it', async () => {
    const text = JSON.stringify({ session_id: 's', tool_response: 'z'.repeat(200_000), tool_use_id: 't' });
    const chunks = Array.from({ length: 20 }, (_, index) => text.slice(index * 11_000, (index + 1) * 11_000));
    const stream = feed(...chunks);
    const reading = await read(stream, { ...PATIENT, limitBytes: 100_000 });
    expect(reading).toMatchObject({ status: 'cut', payload: { session_id: 's', tool_use_id: 't' } });
    expect(JSON.stringify(reading.status === 'cut' && reading.payload).length).toBeLessThan(80_000);
  });

  test('what is too large and no object is kept as the beginning of its text', async () => {
    const reading = await read(feed(JSON.stringify(['a'.repeat(200_000)])), { ...PATIENT, limitBytes: 1000 });
    expect(reading).toMatchObject({ status: 'cut', payload: { raw: expect.stringMatching(/^\["a{60000,65534}$/) } });
  });
});
