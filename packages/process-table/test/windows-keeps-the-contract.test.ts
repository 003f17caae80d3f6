import { describeProcessTable } from './contract.js';
import { createCimWorld } from './fixtures/cim-world.js';

describeProcessTable('the Windows table, over a Windows in memory', async () => createCimWorld(), {
  cookies: false,
  stops: false,
  groups: false,
});
