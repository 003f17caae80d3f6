/** Each round begins with the next peer, so that none is always the first after a pause or the last on a warm machine. */
export const rotated = (items, round) => {
  const by = items.length === 0 ? 0 : round % items.length;
  return [...items.slice(by), ...items.slice(0, by)];
};

/**
 * Interleaved rounds of one case: every peer once a round, at least `fewest` times and at most `most`. The time is shared out evenly: a
 * peer that has used up its part sits out from then on, so that a slow one does not take the rounds of the others.
 */
export const runRounds = async ({ peers, fewest, most, budgetMs, signal, sample, now = () => performance.now() }) => {
  const share = budgetMs / peers.length;
  const spent = new Map(peers.map((peer) => [peer, 0]));
  const samples = new Map(peers.map((peer) => [peer, []]));
  const lost = new Set();
  for (let round = 0; round < most; round += 1) {
    const running = peers.filter((peer) => !lost.has(peer) && (round < fewest || spent.get(peer) < share));
    if (running.length === 0) break;
    for (const peer of rotated(running, round)) {
      signal?.throwIfAborted();
      const before = now();
      const measured = await sample(peer, round);
      spent.set(peer, spent.get(peer) + now() - before);
      // It failed at the task itself; more rounds would only show that again.
      if (measured.failed !== undefined) lost.add(peer);
      samples.get(peer).push(measured);
    }
  }
  return samples;
};
