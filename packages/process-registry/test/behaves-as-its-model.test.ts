import { join } from 'node:path';
import { createFakeClock, createFakeProcessTable } from '@cm/process-table/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../../tools/testing/temporary-directory.js';
import { faultyDisk } from './model/faulty-disk.js';
import { type Model, openIn, registryCommands } from './model/registry-commands.js';

const STEPS = Number(process.env.CM_MODEL_STEPS ?? 1000);
/** Another one each time: each run looks where none has looked before. A failure names it, and CM_MODEL_SEED takes it again. */
const SEED = Number(process.env.CM_MODEL_SEED ?? Date.now() % 2 ** 31);
const MOST_IN_A_ROW = 100;

it(`a registry is a list that survives crashes and full disks: ${STEPS} steps, seed ${SEED} (faults 11, 14, 15; R12-R21, R27)`, async () => {
  let steps = 0;
  const sequence = fc.asyncProperty(registryCommands(MOST_IN_A_ROW), async (commands) => {
    await using temporary = await temporaryDirectory();
    const disk = faultyDisk();
    const place = {
      directory: join(temporary.path, 'registry'),
      disk,
      table: createFakeProcessTable(),
      clock: createFakeClock(),
    };
    const world = { ...place, registry: await openIn(place) };
    const model: Model = { rows: [], onDisk: [], full: false, dead: new Set(), steps: 0 };
    try {
      await fc.asyncModelRun(() => ({ model, real: world }), commands);
    } finally {
      steps += model.steps;
      disk.restart();
    }
  });
  for (let round = 0; steps < STEPS; round += 1) {
    await fc.assert(sequence, { seed: SEED + round, numRuns: 10 });
  }
  console.log(`seed ${SEED}: ${steps} steps`);
  expect(steps).toBeGreaterThanOrEqual(STEPS);
}, 600_000);
