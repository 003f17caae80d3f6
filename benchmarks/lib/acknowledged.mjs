/** What a killed writer had been told, held against what is there. Pure. */

const ORDER = ['intended', 'running', 'exited'];

/** The last that was said of each row: `[[number, what]]`, from lines of which the last may be cut. */
export const parseSaid = (text) => {
  const last = new Map();
  for (const line of text.split('\n').slice(0, -1)) {
    const [what, number] = line.split(' ');
    last.set(Number(number), what);
  }
  return last;
};

/**
 * The rows that are not as they were acknowledged. One that has gone further is right: the change under way when the signal came may have
 * been made without having been said.
 */
export const lostOf = ({ seeds, said, found }) => {
  const status = new Map(found);
  const lost = [];
  for (let number = 0; number < seeds; number += 1) if (status.get(number) !== 'running') lost.push(number);
  for (const [number, what] of said) {
    const now = status.get(number);
    if (what === 'forgetting') continue;
    const isRight = what === 'forgotten' ? now === undefined : ORDER.indexOf(now) >= ORDER.indexOf(what);
    if (!isRight) lost.push(number);
  }
  return lost;
};
