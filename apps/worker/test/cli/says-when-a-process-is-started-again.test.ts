import { expect, test } from 'vitest';
import { restartLabel } from '../../src/cli/restart-label.js';

const NOW_MS = Date.parse('2026-01-01T00:00:00.000Z');
const at = (seconds: number): string => new Date(NOW_MS + seconds * 1000).toISOString();

test.each([
  [{ restarts: 0, restartAt: null, restartStorm: false, restartWaitsForSlot: false }, ''],
  [{ restarts: 3, restartAt: null, restartStorm: false, restartWaitsForSlot: false }, 'restarts 3'],
  [{ restarts: 0, restartAt: at(0.1), restartStorm: false, restartWaitsForSlot: false }, 'restarts in 1 s'],
  [{ restarts: 3, restartAt: at(12), restartStorm: false, restartWaitsForSlot: false }, 'restarts 3, restarts in 12 s'],
  [
    { restarts: 6, restartAt: at(3_600), restartStorm: true, restartWaitsForSlot: false },
    'restarts 6, too many, restarts in 1 h 0 min',
  ],
  // Due, but it waits for a slot.
  [{ restarts: 3, restartAt: at(-5), restartStorm: false, restartWaitsForSlot: true }, 'restarts 3, waits for a slot'],
  [{ restarts: 3, restartAt: at(-5), restartStorm: false, restartWaitsForSlot: false }, 'restarts 3, restarts now'],
])('%j: %s', (view, label) => {
  expect(restartLabel(view, NOW_MS)).toBe(label);
});
