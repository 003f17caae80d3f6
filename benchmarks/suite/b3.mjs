import { setTimeout as pause } from 'node:timers/promises';
import { createCell } from '../lib/cell.mjs';
import { startDrivers } from '../lib/drivers.mjs';
import { atMost } from '../lib/goals.mjs';
import { rotated } from '../lib/rounds.mjs';
import { OUT_OF_REACH, zoo } from '../lib/zoo.mjs';

export const id = 'B3';
export const title = 'Contain the zoo: who is left after a stop';
export const plot = { figure: 'left over', kind: 'matrix' };

const OURS = ['ours (group)', 'ours (cgroup)'];
const PEERS = ['child.kill', 'fkill', 'tree-kill', 'pidtree + kill', 'kill(-pgid)', 'execa', 'pm2', ...OURS];
/** How many are stopped at the same time, each in a place of its own; and how long they have to be gone after the call. */
const MODES = {
  quick: { rounds: 1, together: 16, settleMs: 300 },
  full: { rounds: 3, together: 8, settleMs: 1000 },
};
const UP_MS = 20_000;
/** Some of them have one more step to take once all their members are there. */
const AFTER_UP_MS = 100;
/** Longer than the grace and everything that each of them does beside it. */
const STOP_MS = 20_000;

const untilUp = async (cell, { members, isStopped = false }, signal) => {
  const isUp = () => {
    const found = cell.processes();
    if (isStopped && found.some(({ state }) => state !== 'T')) return false;
    if (members === undefined) return cell.count() > 0;
    // Each that is alone has become a sleep by then.
    return found.length === members && (members > 1 || found[0].command === 'sleep');
  };
  for (const endsAt = performance.now() + UP_MS; !isUp(); await pause(20)) {
    signal.throwIfAborted();
    if (performance.now() > endsAt) throw new Error(`not up: ${cell.processes().length} of ${members} processes`);
  }
  await pause(AFTER_UP_MS);
};

const timeLimit = (ms) =>
  new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`the stop did not return in ${ms / 1000} s`)), ms).unref();
  });

/** Starts one, stops it, and counts who is left. A sample without `left` says why there is none. */
const stopOne = async ({ driver, observer, specimen, name, settleMs, signal }) => {
  const cell = createCell({ observer, work: driver.work });
  const { directory, cgroup } = cell;
  try {
    try {
      const begun = await driver.call('begin', { id: name, args: specimen.args, directory, cgroup });
      if (begun.cgroup !== undefined) cell.watch(begun.cgroup);
      await untilUp(cell, specimen, signal);
    } catch (error) {
      signal.throwIfAborted();
      return { failed: error.message };
    }
    const stopped = driver.call('stop', { id: name });
    const { ok, note } = await Promise.race([stopped, timeLimit(STOP_MS)]).then(
      (value) => ({ ok: value?.ok }),
      (error) => ({ note: error.message }),
    );
    await pause(settleMs);
    return { left: cell.count(), ok, note };
  } finally {
    await cell.end();
    await driver.call('end', { id: name }).catch(() => {});
    cell.close();
  }
};

/** Every so many-th of them, so that those that are alike are not stopped at the same time. */
const batches = (items, together) => {
  const count = Math.ceil(items.length / together);
  return Array.from({ length: count }, (_, batch) => items.filter((_item, at) => at % count === batch));
};

const rowOf = (specimen, peer, samples) => {
  const lefts = samples.flatMap(({ left }) => left ?? []);
  const failed = samples.find((sample) => sample.failed !== undefined)?.failed;
  const measured = failed === undefined && lefts.length > 0;
  const left = measured ? Math.max(...lefts) : null;
  const said = samples.find(({ note }) => note !== undefined)?.note;
  // It belongs to what a stop has to say.
  const wrong = samples.some(({ ok, left: some }) => ok === true && some > 0) ? 'it reports success' : undefined;
  const refused = samples.some(({ ok }) => ok === false) ? 'it reports that somebody is left' : undefined;
  const note = failed ?? said ?? wrong ?? refused;
  return {
    case: specimen.name,
    figure: plot.figure,
    peer,
    n: lefts.length,
    contained: measured ? left === 0 && said === undefined : null,
    left,
    counts: specimen.name !== OUT_OF_REACH,
    ...(note === undefined ? {} : { note }),
  };
};

/** Null where one of ours could not be measured. */
const notContained = (rows) => {
  const ours = rows.filter(({ peer, counts }) => OURS.includes(peer) && counts);
  return ours.some(({ contained }) => contained === null) ? null : ours.filter(({ contained }) => !contained).length;
};

export const run = async ({ mode, observer, signal, say }) => {
  const { rounds, together, settleMs } = MODES[mode];
  const { specimens, skipped: lacking } = zoo({ observer });
  for (const one of lacking) say(`skipped: ${one.name}: ${one.skipped}`);
  const { usable, skipped, close } = await startDrivers({ module: 'contain', peers: PEERS, observer });
  const samples = new Map();
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const peer of rotated([...usable.keys()], round)) {
        const startedAt = performance.now();
        for (const [at, batch] of batches(specimens, together).entries()) {
          signal.throwIfAborted();
          const stopped = batch.map(async (specimen) => {
            const name = `${round}-${at}-${batch.indexOf(specimen)}`;
            const sample = await stopOne({ driver: usable.get(peer), observer, specimen, name, settleMs, signal });
            const key = `${specimen.name}\n${peer}`;
            samples.set(key, [...(samples.get(key) ?? []), sample]);
          });
          // All of them, whatever becomes of one: each ends what it has started.
          const failure = (await Promise.allSettled(stopped)).find(({ status }) => status === 'rejected');
          if (failure !== undefined) throw failure.reason;
        }
        say(`round ${round + 1} of ${rounds}: ${peer}, ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
      }
    }
  } finally {
    await close();
  }
  const rows = specimens.flatMap((specimen) =>
    PEERS.map((peer) => rowOf(specimen, peer, samples.get(`${specimen.name}\n${peer}`) ?? [])),
  );
  return {
    rows,
    goals: [atMost('ours: every specimen, in both tiers (how many are not contained)', notContained(rows), 0)],
    notes: [
      `Each is stopped the way of the peer: SIGTERM, and SIGKILL after 1 s by the same means (child.kill, tree-kill, pidtree, kill(-pgid)), by forceAfterTimeout (fkill), forceKillAfterDelay (execa), kill_timeout (pm2 delete), graceMs (ours). Counted ${settleMs} ms after the call has returned, by the directory and the cgroup in which the specimen lives; up to ${together} at the same time. Of several rounds the worst counts.`,
      `“${OUT_OF_REACH}” is shown and belongs to no score: nothing but a cgroup holds it, which is what the doctor says of the group tier.`,
      'Some specimens are races: whether a successor or one more child is started between two signals. A peer that loses them sometimes moves by two or three from run to run.',
      'Everybody is given a pipe as standard output of the specimen. Smaller than in the tests of the shutdown cascade: 100 wide and 20 deep.',
      'supervisord and s6 are no npm packages but those of a distribution: they are left out.',
      ...[...skipped].map(([peer, why]) => `Not measured: ${peer}: ${why}`),
      ...lacking.map((one) => `Skipped: ${one.name}: ${one.skipped}`),
    ],
  };
};
