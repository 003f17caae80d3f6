/** What has been done so far, backwards: for starts that fail half-way (R26). */
export interface Undo {
  add(undo: () => unknown): void;
  /** Runs everything added, newest first, each even if another fails. */
  run(): Promise<void>;
}

export const createUndo = (): Undo => {
  const steps: (() => unknown)[] = [];
  return {
    add: (undo) => void steps.push(undo),
    run: async () => {
      for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
        try {
          await step();
        } catch {
          // The failure that led here is the one to report.
        }
      }
    },
  };
};
