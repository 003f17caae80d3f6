import { describe, expect, test } from 'vitest';
import { COOKIE_VARIABLE } from '../src/index.js';
import { createRecordingTable } from './fixtures/linux-table.js';

const cookieOf = async (environ: string | undefined): Promise<string | undefined> => {
  const { table } = createRecordingTable([{ pid: 42, ...(environ === undefined ? {} : { environ }) }]);
  return (await table.list({ cookies: true }))[0]?.cookie;
};

describe('the cookie in an environment', () => {
  test.each([
    ['first', `${COOKIE_VARIABLE}=one\0PATH=/bin\0`],
    ['last', `PATH=/bin\0${COOKIE_VARIABLE}=one\0`],
    ['without its final NUL', `PATH=/bin\0${COOKIE_VARIABLE}=one`],
    ['after its own text in another value', `NOTE=${COOKIE_VARIABLE}=other\0${COOKIE_VARIABLE}=one\0`],
    ['after a name that ends alike', `MY_${COOKIE_VARIABLE}=other\0${COOKIE_VARIABLE}=one\0`],
    ['fault 10: beyond 128 kB', `BIG=${'x'.repeat(200_000)}\0${COOKIE_VARIABLE}=one\0`],
  ])('is found %s', async (_where, environ) => {
    expect(await cookieOf(environ)).toBe('one');
  });

  test('may hold an equals sign and be empty', async () => {
    expect(await cookieOf(`${COOKIE_VARIABLE}=a=b\0`)).toBe('a=b');
    expect(await cookieOf(`${COOKIE_VARIABLE}=\0`)).toBe('');
  });

  test.each([
    ['there is none', 'PATH=/bin\0'],
    ['the environment is empty', ''],
    ['fault 10: the environment may not be read', undefined],
    ['only another variable’s name ends alike', `MY_${COOKIE_VARIABLE}=other\0`],
    ['only another variable’s name begins alike', `${COOKIE_VARIABLE}S=other\0`],
  ])('is absent where %s', async (_why, environ) => {
    expect(await cookieOf(environ)).toBeUndefined();
  });

  test('is read only where asked for', async () => {
    let reads = 0;
    const environ = (): undefined => {
      reads += 1;
    };
    const { table } = createRecordingTable([{ pid: 42 }], { files: { environ } });
    await table.list();
    expect(reads).toBe(0);
    await table.list({ cookies: true });
    expect(reads).toBe(1);
  });

  test('finds only living holders', async () => {
    const environ = `${COOKIE_VARIABLE}=one\0`;
    const { table } = createRecordingTable([
      { pid: 42, environ },
      { pid: 43, environ, state: 'Z' },
      { pid: 44, environ: `${COOKIE_VARIABLE}=one-more\0` },
    ]);
    expect((await table.findByCookie('one')).map(({ identity }) => identity.pid)).toEqual([42]);
  });
});
