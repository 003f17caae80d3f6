import { expect, expectTypeOf, it } from 'vitest';
import { type Environment, sanitizeEnv } from '../src/index.js';

it('drops undefined and keeps the empty string', () => {
  const clean = sanitizeEnv({ A: undefined, B: '', C: 'c' });
  expect(Object.keys(clean)).toEqual(['B', 'C']);
  expect(clean).toEqual({ B: '', C: 'c' });
});

it('keeps the order', () => {
  const clean = sanitizeEnv({ Z: '1', CLAUDECODE: '1', A: '2', M: '3' });
  expect(Object.keys(clean)).toEqual(['Z', 'A', 'M']);
});

it('never changes its input, and never returns it', () => {
  const env = Object.freeze({ CLAUDECODE: '1', A: 'a', B: undefined });
  expect(sanitizeEnv(env)).toEqual({ A: 'a' });
  expect(env).toStrictEqual({ CLAUDECODE: '1', A: 'a', B: undefined });
  const clean = Object.freeze({ A: 'a' });
  expect(sanitizeEnv(clean)).not.toBe(clean);
});

it('keeps a variable named __proto__ as a variable', () => {
  const env = JSON.parse('{"__proto__":"p","constructor":"c","hasOwnProperty":"h","toString":"t"}') as Environment;
  const clean = sanitizeEnv(env);
  expect(Object.getPrototypeOf(clean)).toBe(Object.prototype);
  expect(Object.getOwnPropertyDescriptor(clean, '__proto__')).toEqual({
    value: 'p',
    enumerable: true,
    configurable: true,
    writable: true,
  });
  expect(Object.keys(clean)).toEqual(['__proto__', 'constructor', 'hasOwnProperty', 'toString']);
  expect(JSON.stringify(clean)).toBe('{"__proto__":"p","constructor":"c","hasOwnProperty":"h","toString":"t"}');
});

it.each(['', '=C:', '=::', '=ExitCode', 'a b', 'ProgramFiles(x86)', 'BASH_FUNC_f%%', 'ключ', '💡', 'x\ny'])(
  'keeps the name %j as it is',
  (key) => expect(Object.entries(sanitizeEnv({ [key]: 'v' }))).toEqual([[key, 'v']]),
);

it('reads own enumerable properties only', () => {
  const env = Object.create({ INHERITED: '1' }, { HIDDEN: { value: '1', enumerable: false } }) as Environment;
  expect(sanitizeEnv(env)).toEqual({});
});

it('takes an environment without a prototype, and the real one', () => {
  expect(sanitizeEnv(Object.assign(Object.create(null), { A: 'a', CLAUDECODE: '1' }))).toEqual({ A: 'a' });
  expect(sanitizeEnv({ ...process.env, CLAUDE_CODE_SESSION_ID: 's' })).toEqual(sanitizeEnv(process.env));
});

it('has no `any` in its types', () => {
  expectTypeOf(sanitizeEnv).returns.toEqualTypeOf<Record<string, string>>();
  expectTypeOf(sanitizeEnv).parameter(0).toEqualTypeOf<Readonly<Record<string, string | undefined>>>();
});
