import { createFakeProcessTable, type FakeStart } from '../src/testing.js';
import { describeProcessTable } from './contract.js';

describeProcessTable('the fake', async () => {
  const table = createFakeProcessTable();
  return {
    table,
    start: async ({ cookie, depth = 0 } = {}) => {
      const usage = { cpuMs: 20, memoryBytes: 4096 };
      const inherited: FakeStart = cookie === undefined ? { usage } : { usage, cookie };
      const { pid } = table.start(inherited);
      let ppid = pid;
      for (let generation = 0; generation < depth; generation += 1) {
        ppid = table.start({ ...inherited, ppid, pgid: pid }).pid;
      }
      return pid;
    },
    [Symbol.asyncDispose]: async () => {},
  };
});
