import { describe, expect, it } from 'vitest';
import { isEnded, ROW_STATUSES, type RowEvent, type RowStatus, transition } from '../src/index.js';

const EVENTS: { readonly [T in RowEvent['type']]: Extract<RowEvent, { type: T }> } = {
  registered: { type: 'registered' },
  'stop-asked': { type: 'stop-asked' },
  exited: { type: 'exited', code: 0, signal: null },
  'found-dead': { type: 'found-dead' },
  'found-alive': { type: 'found-alive' },
  killed: { type: 'killed' },
  survived: { type: 'survived' },
  'identity-lost': { type: 'identity-lost' },
  'restart-intended': { type: 'restart-intended' },
};

// Written out whole, so that every cell is a decision somebody made.
const EXPECTED: Record<RowStatus, Record<RowEvent['type'], RowStatus>> = {
  intended: {
    registered: 'running',
    'stop-asked': 'intended',
    exited: 'exited',
    'found-dead': 'exited',
    'found-alive': 'intended',
    killed: 'killed',
    survived: 'survived',
    'identity-lost': 'intended',
    'restart-intended': 'intended',
  },
  running: {
    registered: 'running',
    'stop-asked': 'stopping',
    exited: 'exited',
    'found-dead': 'exited',
    'found-alive': 'running',
    killed: 'killed',
    survived: 'survived',
    'identity-lost': 'lost',
    'restart-intended': 'running',
  },
  stopping: {
    registered: 'stopping',
    'stop-asked': 'stopping',
    exited: 'exited',
    'found-dead': 'exited',
    'found-alive': 'stopping',
    killed: 'killed',
    survived: 'survived',
    'identity-lost': 'lost',
    'restart-intended': 'stopping',
  },
  survived: {
    registered: 'survived',
    'stop-asked': 'stopping',
    exited: 'exited',
    'found-dead': 'exited',
    'found-alive': 'survived',
    killed: 'killed',
    survived: 'survived',
    'identity-lost': 'lost',
    'restart-intended': 'survived',
  },
  lost: {
    registered: 'lost',
    'stop-asked': 'lost',
    exited: 'exited',
    'found-dead': 'exited',
    'found-alive': 'running',
    killed: 'killed',
    survived: 'survived',
    'identity-lost': 'lost',
    'restart-intended': 'lost',
  },
  exited: {
    registered: 'exited',
    'stop-asked': 'exited',
    exited: 'exited',
    'found-dead': 'exited',
    'found-alive': 'exited',
    killed: 'exited',
    survived: 'exited',
    'identity-lost': 'exited',
    'restart-intended': 'intended',
  },
  killed: {
    registered: 'killed',
    'stop-asked': 'killed',
    exited: 'killed',
    'found-dead': 'killed',
    'found-alive': 'killed',
    killed: 'killed',
    survived: 'killed',
    'identity-lost': 'killed',
    'restart-intended': 'intended',
  },
};

describe('transition', () => {
  for (const status of ROW_STATUSES) {
    for (const event of Object.values(EVENTS)) {
      const after = EXPECTED[status][event.type];
      it(`${status} + ${event.type} → ${after}`, () => expect(transition(status, event)).toBe(after));
    }
  }

  it('only exited and killed are ends', () => {
    expect(ROW_STATUSES.filter(isEnded)).toEqual(['exited', 'killed']);
  });
});
