/** Tells what happens, step by step, with the time since the beginning. */
export const createStory = (write) => {
  const startedAt = performance.now();
  const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s`;
  return {
    seconds,
    line: (text) => write(text),
    step: (text) => write(`\n${seconds()}  ${text}`),
    detail: (text) => {
      for (const line of text.split('\n')) write(`         ${line}`);
    },
  };
};
