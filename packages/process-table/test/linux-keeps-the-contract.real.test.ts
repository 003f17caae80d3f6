import { createProcessTable } from '../src/index.js';
import { describeProcessTable } from './contract.js';
import { createRealWorld } from './fixtures/real-world.js';

describeProcessTable('the Linux table', () => createRealWorld(createProcessTable()));
