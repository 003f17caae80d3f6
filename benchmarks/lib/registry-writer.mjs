/**
 * Writes until it is killed: `node registry-writer.mjs PEER DIRECTORY FIRST SAID`. Into the file SAID goes what it is about to forget, and
 * what is on record; that file outlives it, too.
 */
import { openSync, writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { registryOf } from '../peers/registry.mjs';

/** So many of its rows are on record at the same time, so that not each of them is the last one written. */
const AT_A_TIME = 5;

const [peer, directory, first, path] = process.argv.slice(2);
const { open } = await registryOf(peer);
const registry = await open(directory);
const said = openSync(path, 'a');
const say = (what, number) => writeSync(said, `${what} ${number}\n`);

const lives = [];
for (let number = Number(first); ; number += 1) {
  const key = await registry.intend(number);
  say('intended', number);
  await registry.run(key, number);
  say('running', number);
  lives.push({ key, number });
  if (lives.length > AT_A_TIME) {
    const oldest = lives.shift();
    await registry.end(oldest.key, oldest.number);
    say('exited', oldest.number);
    say('forgetting', oldest.number);
    await registry.forget(oldest.key);
    say('forgotten', oldest.number);
  }
  if (number === Number(first)) process.stdout.write('writing\n');
  await turn();
}
