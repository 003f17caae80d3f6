/** What a writer was told is on record, by name. */
export interface Acknowledgements {
  /** It begins to write this. */
  attempt(name: string, status: string): void;
  /** It was told that this is done. */
  done(name: string, status: string): void;
  /** What a successor must find, given what it does find: what was being written when the kill came may be there or not, but nothing else. */
  settle(onDisk: ReadonlyMap<string, string>): [string, string][];
}

export const acknowledgements = (): Acknowledgements => {
  const acknowledged = new Map<string, string>();
  let underWay: readonly [name: string, status: string] | undefined;
  const done = (name: string, status: string): void => {
    underWay = undefined;
    if (status === 'removed') acknowledged.delete(name);
    else acknowledged.set(name, status);
  };
  return {
    attempt: (name, status) => {
      underWay = [name, status];
    },
    done,
    settle: (onDisk) => {
      if (underWay !== undefined) {
        const [name, status] = underWay;
        const made = status === 'removed' ? !onDisk.has(name) : onDisk.get(name) === status;
        if (made) done(name, status);
        underWay = undefined;
      }
      return [...acknowledged].sort();
    },
  };
};
