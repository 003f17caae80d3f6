import { expect, it } from 'vitest';
import { classifyFailure } from '../src/client/classify-failure.js';

const withCode = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });

it.each([
  [withCode('ECONNREFUSED'), { status: 'refused', reason: 'ECONNREFUSED' }],
  [withCode('EACCES'), { status: 'denied', reason: 'EACCES' }],
  [withCode('EPERM'), { status: 'denied', reason: 'EPERM' }],
  [withCode('ECONNRESET'), { status: 'failed', reason: 'ECONNRESET' }],
  [withCode('ENETUNREACH'), { status: 'failed', reason: 'ENETUNREACH' }],
  [new Error('odd'), { status: 'failed', reason: 'odd' }],
  ['text', { status: 'failed', reason: 'text' }],
])('%s', (error, expected) => expect(classifyFailure(error)).toEqual(expected));
