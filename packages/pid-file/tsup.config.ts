import type { Options } from 'tsup';
import { library } from '../../tsup.shared.ts';

const config: Options = library({ index: 'src/index.ts', read: 'src/read.ts', lock: 'src/lock.ts' });

export default config;
