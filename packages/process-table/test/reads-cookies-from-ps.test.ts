import { describe, expect, test } from 'vitest';
import { parseCookie } from '../src/posix/parse-cookie.js';

describe('the cookie in what ps writes', () => {
  test.each([
    ['first', 'sleep 60', 'CM_SCOPE=one PATH=/bin'],
    ['last', 'sleep 60', 'PATH=/bin CM_SCOPE=one'],
    ['twice the same', 'sleep 60', 'CM_SCOPE=one PATH=/bin CM_SCOPE=one'],
    ['after an argument that looks like one', 'env CM_SCOPE=other sleep 60', 'CM_SCOPE=one'],
    ['after a name that ends alike', 'sleep 60', 'MY_CM_SCOPE=other CM_SCOPE=one'],
  ])('is found %s', (_where, args, environment) => {
    expect(parseCookie(`${args} ${environment}`, args)).toBe('one');
  });

  test.each([
    ['there is no environment', 'sleep 60', 'sleep 60'],
    ['it is only an argument', 'env CM_SCOPE=one', 'env CM_SCOPE=one'],
    ['it is only an argument, and the environment says nothing', 'env CM_SCOPE=one PATH=/bin', 'env CM_SCOPE=one'],
    ['the process has become another program meanwhile', 'env A=1 CM_SCOPE=one', 'sleep'],
    ['only another name ends alike', 'sleep 60 MY_CM_SCOPE=one', 'sleep 60'],
    ['only another name begins alike', 'sleep 60 CM_SCOPES=one', 'sleep 60'],
    ['its value holds a blank', 'sleep 60 CM_SCOPE=one two PATH=/bin', 'sleep 60'],
    ['another value holds a different one', 'sleep 60 NOTE=a CM_SCOPE=other CM_SCOPE=one', 'sleep 60'],
  ])('is absent where %s', (_why, withEnvironment, args) => {
    expect(parseCookie(withEnvironment, args)).toBeUndefined();
  });
});
